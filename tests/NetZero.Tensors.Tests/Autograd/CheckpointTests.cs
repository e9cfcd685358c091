namespace NetZero.Tensors.Tests.Autograd;

/// <summary>Checkpoints save less, compute again what they need, and change no bit.</summary>
public class CheckpointTests
{
    private const int Batch = 2, Tokens = 5, Channels = 8, Heads = 2;

    private static readonly KeptOps[] Choices = [KeptOps.None, KeptOps.Attention, KeptOps.MatMul, KeptOps.Attention | KeptOps.MatMul];

    public static TheoryData<KeptOps> Keeps => [.. Choices];

    [Theory]
    [MemberData(nameof(Keeps))]
    public void Checkpoint_DropoutOnAndInputUsedTwice_GivesTheSameBits(KeptOps keep)
    {
        var plain = Run();
        var checkpointed = Run(keep);
        foreach (var (name, values) in plain)
            Assert.Equal(values, checkpointed[name]);
        Assert.Contains(plain["dx"], v => v != 0);
        Assert.Contains(plain["y"], v => v == 0);
    }

    [Fact]
    public void Checkpoint_WithinACheckpoint_GivesTheSameBits()
    {
        float[][] Gradients(Func<Weights, Tensor, Tensor> run)
        {
            using var context = Context();
            var w = new Weights(context);
            var y = run(w, w.X.Dropout(0.25));
            y.Backward(Seed(context, y));
            return [y.ToArray<float>(), w.X.Grad!.ToArray<float>(), w.Qkv.Grad!.ToArray<float>(), w.Out.Grad!.ToArray<float>()];
        }

        var plain = Gradients((w, x) => w.Block(x) + x);
        foreach (var outer in Choices)
            foreach (var inner in Choices)
                Assert.Equal(plain, Gradients((w, x) => x.Checkpoint(h => h.Checkpoint(w.Block, inner) + h, outer)));
    }

    [Theory]
    [MemberData(nameof(Keeps))]
    public void Checkpoint_HoldsItsInputAndWhatItKeeps(KeptOps keep)
    {
        using var context = Context();
        var w = new Weights(context);
        var before = context.Ledger.LiveBytes;
        using (var scope = context.BeginScope("forward"))
            scope.Return(w.X.Checkpoint(w.Block, keep));

        // In floats: the output, and of attention its output and denominators, and of products queries to values and the projection.
        const int one = Batch * Tokens * Channels;
        long expected = Rounded(one);
        if (keep.HasFlag(KeptOps.Attention))
            expected += Rounded(one) + Rounded(Batch * Heads * Tokens);
        if (keep.HasFlag(KeptOps.MatMul))
            expected += Rounded(3 * one) + Rounded(one);
        Assert.Equal(expected, context.Ledger.LiveBytes - before);
    }

    [Fact]
    public void Checkpoint_OfWhatKeeps_DoesNotComputeItAgain()
    {
        Assert.Equal(WeightGradient(KeptOps.MatMul, changeWeight: false), WeightGradient(KeptOps.MatMul, changeWeight: true));
        Assert.NotEqual(WeightGradient(KeptOps.None, changeWeight: false), WeightGradient(KeptOps.None, changeWeight: true));
    }

    [Fact]
    public void Checkpoint_AfterBackward_HoldsNothing()
    {
        using var context = Context();
        var w = new Weights(context);
        Backward(context, w, KeptOps.Attention);
        var before = context.Ledger.LiveBytes;
        using (context.BeginScope("again"))
            Backward(context, w, KeptOps.Attention);
        Assert.Equal(before, context.Ledger.LiveBytes);
        Assert.Equal(0, context.Tape.Count);
    }

    [Fact]
    public void Checkpoint_ThatGivesItsInputBack_PassesTheGradientOn()
    {
        using var context = Context();
        var x = context.From<float>([1, 2], [2]).RequireGrad();
        var y = x.Reshape(2, 1);
        (y.Checkpoint(h => h) + y).Backward(context.From<float>([3, 4], [2, 1]));
        Assert.Equal([6f, 8], x.Grad!.ToArray<float>());
    }

    [Fact]
    public void Checkpoint_OfNothingThatWantsAGradient_ComputesNone()
    {
        using var context = Context();
        var (x, other) = (context.From<float>([1, 2], [2]), context.From<float>([5, 6], [2]).RequireGrad());
        (x.Checkpoint(h => h.Gelu()) + other).Backward(context.From<float>([3, 4], [2]));
        Assert.Equal([3f, 4], other.Grad!.ToArray<float>());
    }

    [Fact]
    public void Checkpoint_ThatDoesSomethingElseTheSecondTime_SaysSo()
    {
        using var context = Context();
        var w = new Weights(context);
        var runs = 0;
        var shapes = w.X.Checkpoint(h => runs++ == 0 ? h.Gelu() : h.Slice(0, 0, 1));
        Assert.Contains("must do the same each time", Assert.Throws<InvalidOperationException>(() => shapes.Backward(Seed(context, shapes))).Message, StringComparison.Ordinal);
        runs = 0;
        var ops = w.X.Checkpoint(h => h.Linear(runs++ == 0 ? w.Out : w.Qkv), KeptOps.MatMul);
        Assert.StartsWith(
            "A checkpoint's second run computes MatMul [2, 5, 24] where its first computed MatMul [2, 5, 8]",
            Assert.Throws<InvalidOperationException>(() => ops.Backward(Seed(context, ops))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoint_WhoseInputOrKeptResultWasChanged_IsRefused()
    {
        using var context = Context();
        var w = new Weights(context);
        var x = w.X.Gelu();
        var y = x.Checkpoint(w.Block);
        x.Fill(0);
        Assert.Contains("after Checkpoint had saved it", Assert.Throws<InvalidOperationException>(() => y.Backward(Seed(context, y))).Message, StringComparison.Ordinal);

        Tensor? kept = null;
        var z = w.X.Checkpoint(h => (kept = h.Linear(w.Out)).Gelu(), KeptOps.MatMul);
        kept!.Fill(0);
        Assert.Contains("after a checkpoint had saved it", Assert.Throws<InvalidOperationException>(() => z.Backward(Seed(context, z))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoint_WhoseSecondRunFails_LeavesTheContextAsItWas()
    {
        using var context = Context();
        var w = new Weights(context);
        context.Random.BeginForward(3, 0);
        var runs = 0;
        using (context.BeginStepScope("step"))
        {
            var y = w.X.Checkpoint(h => runs++ == 0 ? h.Dropout(0.5) : throw new InvalidTimeZoneException("here"), KeptOps.MatMul);
            context.Random.BeginForward(4, 0);
            Assert.Throws<InvalidTimeZoneException>(() => y.Backward(Seed(context, y)));
            Assert.Equal((4, 0), (context.Random.Step, context.Random.Site));
            Assert.True(context.GradEnabled);
            Assert.Equal(0, context.Tape.Count);
        }
    }

    private static float[] WeightGradient(KeptOps keep, bool changeWeight)
    {
        using var context = Context();
        var w = new Weights(context);
        var y = w.X.Checkpoint(h => h.Linear(w.Out).Gelu(), keep);
        if (changeWeight)
            w.Out.Fill(0.5f);
        y.Backward(Seed(context, y));
        return w.Out.Grad!.ToArray<float>();
    }

    private static void Backward(TensorContext context, Weights w, KeptOps keep)
    {
        var y = w.X.Checkpoint(w.Block, keep);
        y.Backward(Seed(context, y));
    }

    private static Dictionary<string, float[]> Run(KeptOps? keep = null)
    {
        using var context = Context();
        context.Random.BeginForward(7, 100);
        var w = new Weights(context);
        var x = w.X.Dropout(0.25);
        var y = keep is { } ops ? x.Checkpoint(w.Block, ops) : w.Block(x);
        y = (y + x).Dropout(0.25);
        y.Backward(Seed(context, y));
        return new Dictionary<string, float[]>
        {
            ["y"] = y.ToArray<float>(),
            ["dx"] = w.X.Grad!.ToArray<float>(),
            ["dqkv"] = w.Qkv.Grad!.ToArray<float>(),
            ["dout"] = w.Out.Grad!.ToArray<float>(),
        };
    }

    private static TensorContext Context() => new(new TensorContextOptions { Seed = 5 });

    private static Tensor Seed(TensorContext context, Tensor y) => Values(context, y.Shape, 31);

    private static long Rounded(long floats) => (floats * sizeof(float) + 63) / 64 * 64;

    // In [-1, 1): any spread-out function of the index will do.
    private static Tensor Values(TensorContext context, Shape shape, int salt) =>
        context.From<float>(Enumerable.Range(0, (int)shape.Elements).Select(i => (((i + salt) * 40503 & 0xFFFF) / 32768f) - 1).ToArray(), shape);

    private sealed class Weights(TensorContext context)
    {
        public Tensor X { get; } = Values(context, [Batch, Tokens, Channels], 1).RequireGrad();

        public Tensor Qkv { get; } = Values(context, [Channels, 3 * Channels], 2).RequireGrad();

        public Tensor Out { get; } = Values(context, [Channels, Channels], 3).RequireGrad();

        // The input is used twice, and there are two random sites.
        public Tensor Block(Tensor x)
        {
            var attended = x.Dropout(0.25).Linear(Qkv).CausalAttention(Heads);
            return x + attended.Linear(Out).Gelu().Dropout(0.25);
        }
    }
}
