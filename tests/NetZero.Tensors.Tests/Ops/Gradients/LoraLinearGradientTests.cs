using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Frozen linear layers with adapters, against central differences of y = x W + b + s (x A') B'.</summary>
public class LoraLinearGradientTests
{
    private const int M = 3, K = 4, N = 5, R = 2;
    private const float Scale = 1.5f;

    // As in MatrixGradientTests, for a chain of two products whose magnitudes stay below 4 x 2 x 1.5, beside the layer's own.
    private const double Units = 60;

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    [InlineData(false, true, false)]
    public void LoraLinear_EitherLayoutBiasedOrNotFirstOrNot_ValuesAndGradientsMatchTheDefinition(bool outputFirst, bool bias, bool inputHasGradient)
    {
        GradientInput[] xs =
        [
            new([2, M, K], -1, 1) { RequiresGrad = inputHasGradient },
            new([K, M, 2], -1, 1) { RequiresGrad = inputHasGradient, View = leaf => leaf.Permute(2, 1, 0) },
        ];
        GradientInput[] weights =
        [
            new(outputFirst ? [N, K] : [K, N], -1, 1, 2) { RequiresGrad = false },
            new(outputFirst ? [K, N] : [N, K], -1, 1, 3) { RequiresGrad = false, View = leaf => leaf.Transpose() },
        ];
        foreach (var x in xs)
            foreach (var weight in weights)
                GradientCheck.Run(
                    t => t[0].LoraLinear(t[1], bias ? t[4] : null, t[2], t[3], Scale, outputFirst: outputFirst),
                    v => Reference(v[0], v[1], bias ? v[4] : new double[N], v[2], v[3], outputFirst),
                    Units,
                    x, weight, new GradientInput([R, K], -1, 1, 4), new GradientInput([N, R], -1, 1, 5), new GradientInput([N], -1, 1, 6) { RequiresGrad = false });
    }

    // dx is the sum of two products, each rounded where it is added, so the composition may differ in the last places.
    [Theory]
    [InlineData(0)]
    [InlineData(0.4)]
    public void LoraLinear_Dropped_IsThePlainLayerAndTheAdapterOverDroppedInputs(double dropout)
    {
        var fused = Run((x, w, b, a, u) => x.LoraLinear(w, b, a, u, Scale, dropout));
        var plain = Run((x, w, b, a, u) => x.Linear(w, b) + (x.Dropout(dropout).Linear(a, outputFirst: true) * Scale).Linear(u, outputFirst: true));
        for (var i = 0; i < fused.Length; i++)
            for (var j = 0; j < fused[i].Length; j++)
                Assert.Equal(plain[i][j], fused[i][j], 1e-5f);
    }

    // With what a checkpoint keeps of matrix multiplies, and without, in either type.
    [Theory]
    [InlineData(KeptOps.None, DType.F32)]
    [InlineData(KeptOps.MatMul, DType.F32)]
    [InlineData(KeptOps.MatMul, DType.BF16)]
    public void LoraLinear_Checkpointed_HasTheSameBits(KeptOps keep, DType dtype)
    {
        var direct = Run((x, w, b, a, u) => x.LoraLinear(w.Cast(dtype), b, a, u, Scale, 0.25));
        var again = Run((x, w, b, a, u) => x.Checkpoint(t => t.LoraLinear(w.Cast(dtype), b, a, u, Scale, 0.25), keep));
        Assert.Equal(direct, again);
    }

    [Fact]
    public void FrozenLinear_KeepsNoActivation_AndItsAdapterOnlyTheInputAndTheNarrowProduct()
    {
        using var context = new TensorContext();
        var x = context.Full([64, 128], 1).RequireGrad();
        var (w, a, u) = (context.Full([128, 256], 1), context.Full([8, 128], 1).RequireGrad(), context.Full([256, 8], 1).RequireGrad());
        Assert.Equal(0, KeptBy(hidden => hidden.Linear(w)));
        Assert.Equal((64 * 128 * 4) + (64 * 8 * 4), KeptBy(hidden => hidden.LoraLinear(w, null, a, u, 1)));
        Assert.Equal(64 * 128 * 4, KeptBy(hidden => hidden.Linear(w.RequireGrad())));

        // Live bytes that the layer leaves when its input and its output are out of scope: what it saved.
        long KeptBy(Func<Tensor, Tensor> layer)
        {
            var before = context.Ledger.Live(MemoryKind.Activation);
            using var outer = context.BeginStepScope("step");
            using (context.BeginScope("forward"))
                layer(x * 2).Detach();
            return context.Ledger.Live(MemoryKind.Activation) - before;
        }
    }

    [Fact]
    public void LoraLinear_WhatDoesNotFit_IsRefused()
    {
        using var context = new TensorContext();
        var (x, w, a, u) = (context.Zeros([2, K]), context.Zeros([K, N]), context.Zeros([R, K]), context.Zeros([N, R]));
        Assert.Contains("A [r, 4] and B [5, r]", Assert.Throws<ArgumentException>(() => x.LoraLinear(w, null, u, a, 1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => x.LoraLinear(w, null, a, u, 1, dropout: 1));
        Assert.Contains("frozen", Assert.Throws<ArgumentException>(() => x.LoraLinear(w.RequireGrad(), null, a, u, 1)).Message, StringComparison.Ordinal);
    }

    // The value and all gradients.
    private static float[][] Run(Func<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> op)
    {
        using var context = new TensorContext(new TensorContextOptions { Seed = 7, Threads = 2 });
        context.Random.BeginForward(3, 5);
        var x = MatrixProduct.Uniform(context, [3, 9, 21], 1).RequireGrad();
        var (w, b) = (MatrixProduct.Uniform(context, [21, 34], 2), MatrixProduct.Uniform(context, [34], 3));
        var (a, u) = (MatrixProduct.Uniform(context, [4, 21], 4).RequireGrad(), MatrixProduct.Uniform(context, [34, 4], 5).RequireGrad());
        var y = op(x, w, b, a, u);
        y.Backward(MatrixProduct.Uniform(context, [3, 9, 34], 6));
        return [y.Cast(DType.F32).ToArray<float>(), x.Grad!.ToArray<float>(), a.Grad!.ToArray<float>(), u.Grad!.ToArray<float>()];
    }

    private static double[] Reference(double[] x, double[] w, double[] bias, double[] a, double[] b, bool outputFirst) =>
        [.. x.Chunk(K).SelectMany(row =>
        {
            var low = Enumerable.Range(0, R).Select(r => Scale * row.Select((v, p) => v * a[(r * K) + p]).Sum()).ToArray();
            return Enumerable.Range(0, N).Select(j => bias[j] + row.Select((v, p) => v * w[outputFirst ? (j * K) + p : (p * N) + j]).Sum() + low.Select((v, r) => v * b[(j * R) + r]).Sum());
        })];
}
