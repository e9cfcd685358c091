namespace NetZero.Tensors.Tests.Autograd;

public class TapeTests
{
    private sealed class Boundary(List<string> log, string name) : ITapeBoundary
    {
        public void OnBackward() => log.Add(name);
    }

    [Fact]
    public void Backward_ThroughViews_PutsEachGradientWhereItsElementCameFrom()
    {
        using var context = new TensorContext();
        var x = context.From<float>([1, 2, 3, 4, 5, 6], [2, 3]).RequireGrad();
        // y = x^T[1..3, :] flattened: elements x01, x11, x02, x12.
        var y = x.Transpose().Slice(0, 1, 2).Reshape(-1);
        Assert.Equal([2f, 5, 3, 6], y.ToArray<float>());
        y.Backward(context.From<float>([10, 20, 30, 40], [4]));
        Assert.Equal([0f, 10, 30, 0, 20, 40], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Backward_ATensorUsedTwice_AddsItsGradients()
    {
        using var context = new TensorContext();
        var x = context.From<float>([1, 2], [2, 1]).RequireGrad();
        var y = x.Expand([2, 3]).Contiguous();
        y.Backward(context.From<float>([1, 2, 3, 4, 5, 6], [2, 3]));
        Assert.Equal([6f, 15], x.Grad!.ToArray<float>());
        x.Reshape(2).Backward(context.From<float>([100, 200], [2]));
        Assert.Equal([106f, 215], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Backward_Twice_SaysThatTheGraphIsConsumed()
    {
        using var context = new TensorContext();
        var x = context.From<float>([1, 2], [2]).RequireGrad();
        var y = x.Reshape(1, 2);
        var z = y.Reshape(2, 1);
        z.Backward(context.Zeros([2, 1]));
        Assert.Contains("was consumed by an earlier Backward()", Assert.Throws<InvalidOperationException>(() => z.Backward(context.Zeros([2, 1]))).Message, StringComparison.Ordinal);
        var other = y.Reshape(2);
        Assert.Contains("was consumed by an earlier Backward()", Assert.Throws<InvalidOperationException>(() => other.Backward(context.Zeros([2]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Backward_OnWhatNothingRecorded_SaysSo()
    {
        using var context = new TensorContext();
        var x = context.Zeros([1]).RequireGrad();
        using (context.NoGrad())
            Assert.Contains("NoGrad()", Assert.Throws<InvalidOperationException>(() => x.Reshape(1, 1).Backward()).Message, StringComparison.Ordinal);
        Assert.True(x.Reshape(1, 1).RequiresGrad);
    }

    [Fact]
    public void Backward_BoundariesAreReportedInReverse_BetweenTheOps()
    {
        using var context = new TensorContext();
        var log = new List<string>();
        var x = context.Zeros([4]).RequireGrad();
        context.Tape.Record(new Boundary(log, "begin"));
        var y = x.Reshape(2, 2);
        context.Tape.Record(new Boundary(log, "end"));
        y.Backward(context.Zeros([2, 2]));
        Assert.Equal(["end", "begin"], log);
        Assert.Equal(0, context.Tape.Count);
    }

    [Fact]
    public void Backward_AfterAStep_LeavesNothingButTheGradient()
    {
        using var context = new TensorContext();
        var x = context.Zeros([64]).Keep().RequireGrad();
        using (context.BeginStepScope("step"))
            x.Reshape(8, 8).Transpose().Contiguous().Reshape(64).Backward(context.Zeros([64]));
        Assert.Equal(256, context.Ledger.Live(MemoryKind.Activation));
        Assert.Equal(256, context.Ledger.Live(MemoryKind.Gradient));
    }
}
