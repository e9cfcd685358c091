using NetZero.Tensors;

namespace NetZero.Nn.Tests.Modules;

/// <summary>Who frees what a module's forward makes: nobody but the structure of the calls.</summary>
public class ModuleScopeTests
{
    private const int Bytes = 256 * sizeof(float);

    [Fact]
    public void Intermediates_AreFreedWhenTheCallReturns_TheResultIsNot()
    {
        using var tensors = new TensorContext();
        var chain = new Chain(5);
        var x = tensors.Full([256], 1);
        using var noGrad = tensors.NoGrad();

        var y = chain.Call(x);

        Assert.Equal(6, y.ToArray<float>()[255]);
        Assert.Equal(2 * Bytes, tensors.Ledger.LiveBytes);
        var error = Assert.Throws<TensorFreedException>(() => chain.Intermediates[2].ToArray<float>());
        Assert.Contains("it was freed when the scope 'Chain' ended; Keep() it to use it later", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatBackwardNeeds_LivesUntilItHasRun_AndNoLonger()
    {
        using var tensors = new TensorContext();
        var x = tensors.Full([256], 0.5f).RequireGrad();
        using (tensors.BeginStepScope("step"))
        {
            // GELU saves its input: of three of them in a row the first saves x, the others the outputs of those before.
            var y = new Gelus().Call(x);
            Assert.Equal((1 + 2 + 1) * Bytes, tensors.Ledger.LiveBytes);
            y.Backward(tensors.Full([256], 1));
        }

        Assert.Equal(2 * Bytes, tensors.Ledger.LiveBytes);
        Assert.Equal(Bytes, tensors.Ledger.Live(MemoryKind.Gradient));
        Assert.All(x.Grad!.ToArray<float>(), g => Assert.True(g > 0));
    }

    [Fact]
    public void WhatIsKept_OutlivesTheCall()
    {
        using var tensors = new TensorContext();
        var chain = new Chain(2) { Keeps = true };
        using var noGrad = tensors.NoGrad();
        using (tensors.BeginScope("outer"))
            chain.Call(tensors.Full([256], 1));

        Assert.Equal(2, chain.Intermediates[0].ToArray<float>()[0]);
        Assert.Equal(2 * Bytes, tensors.Ledger.LiveBytes);
    }

    [Fact]
    public void Exception_InAForward_LeavesNothingAlive_AndTheModuleUsable()
    {
        using var tensors = new TensorContext();
        var chain = new Chain(3) { FailsAt = 2 };
        var x = tensors.Full([256], 1);

        Assert.Equal("planted", Assert.Throws<InvalidOperationException>(() => chain.Call(x)).Message);
        Assert.Equal(Bytes, tensors.Ledger.LiveBytes);
        chain.FailsAt = -1;
        Assert.Equal(4, chain.Call(x).ToArray<float>()[0]);
    }

    [Fact]
    public void Hooks_SeeTheForwardOfTheirModule()
    {
        using var tensors = new TensorContext();
        var log = new List<string>();
        var chain = new Chain(1) { Hooks = new Log(log) };
        chain.Call(tensors.Full([1], 1));

        Assert.Equal(["before", "after"], log);
    }

    [Fact]
    public void Hooks_OfACheckpointedModule_SeeItsSecondForwardInBackward()
    {
        using var tensors = new TensorContext();
        var log = new List<string>();
        var chain = new Chain(1) { Hooks = new Log(log), Checkpoint = KeptOps.None };
        var y = chain.Call(tensors.Full([1], 1).RequireGrad());
        Assert.Equal(["before", "after"], log);
        y.Backward();
        Assert.Equal(["before", "after", "before again", "after again"], log);
    }

    [Fact]
    public void CheckpointedModule_WithNothingToDifferentiate_IsNotRunAgain()
    {
        using var tensors = new TensorContext();
        Assert.False(new Chain(1) { Checkpoint = KeptOps.None }.Call(tensors.Full([1], 1)).RequiresGrad);
        Assert.Equal(0, tensors.Tape.Count);
    }

    private sealed class Log(List<string> lines) : IModuleHooks
    {
        public void BeforeForward() => lines.Add("before");

        public Tensor AfterForward(Tensor result)
        {
            lines.Add("after");
            return result;
        }

        public void BeforeRecompute() => lines.Add("before again");

        public void AfterRecompute() => lines.Add("after again");
    }

    private sealed class Gelus : Layer
    {
        protected override Tensor Forward(Tensor x) => x.Gelu().Gelu().Gelu();
    }

    private sealed class Chain(int length) : Layer
    {
        public List<Tensor> Intermediates { get; } = [];

        public bool Keeps { get; init; }

        public int FailsAt { get; set; } = -1;

        protected override Tensor Forward(Tensor x)
        {
            for (var i = 0; i < length; i++)
            {
                if (i == FailsAt)
                    throw new InvalidOperationException("planted");
                x += x.Context.Full([1], 1);
                Intermediates.Add(Keeps ? x.Keep() : x);
            }

            return x;
        }
    }
}
