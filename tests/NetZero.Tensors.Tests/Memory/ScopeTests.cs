namespace NetZero.Tensors.Tests.Memory;

public class ScopeTests
{
    [Fact]
    public void Scope_Ends_FreesWhatWasNeitherReturnedNorKept()
    {
        using var context = new TensorContext();
        Tensor dropped, returned, kept;
        using (var outer = context.BeginScope("outer"))
        {
            using (var inner = context.BeginScope("inner"))
            {
                dropped = context.Zeros([100]);
                returned = inner.Return(context.Zeros([10]));
                kept = context.Full([1], 3).Keep();
            }

            Assert.Equal(64 + 64, context.Ledger.LiveBytes);
            Assert.Equal(0, returned.ToArray<float>()[0]);
            var error = Assert.Throws<TensorFreedException>(() => dropped.ToArray<float>());
            Assert.Equal("The memory of 'Zeros' is not there: it was freed when the scope 'inner' ended; Keep() it to use it later.", error.Message);
        }

        Assert.Throws<TensorFreedException>(() => returned.ToArray<float>());
        Assert.Equal(3, kept.Item());
        kept.Free();
        Assert.Equal(0, context.Ledger.LiveBytes);
    }

    [Fact]
    public void Scope_AnExceptionInside_UnwindsEverything()
    {
        using var context = new TensorContext();
        Assert.Throws<InvalidOperationException>(new Action(() =>
        {
            using var step = context.BeginStepScope("step");
            var x = context.Zeros([8]).RequireGrad();
            _ = x.Reshape(2, 4).Transpose().Contiguous();
            using var inner = context.BeginScope("inner");
            _ = context.Zeros([8]);
            throw new InvalidOperationException("planted");
        }));
        Assert.Equal(0, context.Ledger.LiveBytes);
        Assert.Equal(0, context.Tape.Count);
    }

    [Fact]
    public void Scope_TheSecondRoundOfTheSameWork_AsksTheSystemForNothing()
    {
        using var context = new TensorContext();
        for (var round = 0; round < 3; round++)
        {
            var before = context.SystemAllocations;
            using (context.BeginScope("round"))
                foreach (var size in new long[] { 1, 100, 5000, 300_000, 3_000_000 })
                    _ = context.Zeros([size]);
            Assert.Equal(round == 0 ? 5 : 0, context.SystemAllocations - before);
        }
    }

    [Fact]
    public void Scope_DisposedTwice_ClosesNoOtherScope()
    {
        using var context = new TensorContext();
        using var outer = context.BeginScope("outer");
        var x = context.Full([1], 3);
        var inner = context.BeginScope("inner");
        inner.Dispose();
        inner.Dispose();
        Assert.Equal(3, x.Item());

        // The same scope object serves again, for somebody else.
        using var other = context.BeginScope("other");
        var y = context.Full([1], 4);
        inner.Dispose();
        Assert.Equal(4, y.Item());
    }

    [Fact]
    public void Keep_AfterTheScopesEnd_HoldsWhatBackwardStillSaves()
    {
        using var context = new TensorContext();
        var x = context.From<float>([2], [1]).RequireGrad();
        Tensor saved, y;
        using (var scope = context.BeginScope("forward"))
        {
            saved = x * 3;
            y = scope.Return(saved * saved);
        }

        saved.Keep();
        y.Backward(context.Full([1], 1));
        Assert.Equal(36, x.Grad!.Item());
        Assert.Equal(6, saved.Item());
        saved.Free();
        Assert.Throws<TensorFreedException>(() => saved.Item());
    }

    [Fact]
    public void Keep_OfWhatIsFreed_SaysSo()
    {
        using var context = new TensorContext();
        Tensor x;
        using (context.BeginScope("short"))
            x = context.Zeros([1]);
        Assert.Contains("the scope 'short' ended", Assert.Throws<TensorFreedException>(() => x.Keep()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Storage_OfAnOp_IsNotGivenOrTakenByHand()
    {
        using var context = new TensorContext();
        var storage = context.Full([16], 1).Storage;
        var reserved = context.Reserve("mine", 64, MemoryKind.Activation);
        Assert.Contains("Evict of '", Assert.Throws<InvalidOperationException>(() => storage.Evict("no")).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(storage.Materialize);
        Assert.Throws<InvalidOperationException>(() => storage.TakeFrom(reserved));
        Assert.Throws<InvalidOperationException>(() => reserved.TakeFrom(storage));
        reserved.Materialize();
        reserved.Evict("yes");
        Assert.Equal(64, context.Ledger.LiveBytes);
    }

    [Fact]
    public void Context_UsedFromAnotherThread_Throws()
    {
        using var context = new TensorContext();
        Exception? error = null;
        var thread = new Thread(() => error = Record.Exception(() => context.Zeros([1])));
        thread.Start();
        thread.Join();
        Assert.Contains("belongs to thread", Assert.IsType<InvalidOperationException>(error).Message, StringComparison.Ordinal);
    }
}
