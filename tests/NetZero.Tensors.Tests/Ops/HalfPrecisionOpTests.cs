namespace NetZero.Tensors.Tests;

/// <summary>Ops on 16-bit operands compute in fp32 and round once: their results are those of fp32 on the same values, rounded.</summary>
public class HalfPrecisionOpTests
{
    private const int Threads = 2;

    // Each op with the shapes of its operands. Sizes pass the ends of vectors and tiles (512), of blocks of logits (2048), of blocks of products
    // (384) and of the rectangles whose sums wait from one such block for the next (1536 x 672).
    private static readonly Dictionary<string, (Shape[] Operands, Func<Tensor[], Tensor> Op)> Ops = new()
    {
        ["add"] = ([[3, 700], [3, 700]], x => x[0] + x[1]),
        ["add broadcast"] = ([[3, 5, 300], [5, 300]], x => x[0] + x[1]),
        ["subtract transposed"] = ([[37, 41], [41, 37]], x => x[0].Transpose() - x[1]),
        ["multiply"] = ([[9, 601], [601]], x => x[0] * x[1]),
        ["divide"] = ([[7, 90], [7, 90]], x => x[0] / (x[1] + 3f)),
        ["gelu"] = ([[2, 999]], x => x[0].Gelu()),
        ["silu"] = ([[2, 999]], x => x[0].Silu()),
        ["slice"] = ([[9, 40]], x => x[0].Slice(0, 2, 5) * 2f),
        ["dropout"] = ([[3, 1111]], x => x[0].Dropout(0.3)),
        ["linear"] = ([[3, 23, 21], [21, 34], [34]], x => x[0].Linear(x[1], x[2])),
        ["linear out first"] = ([[69, 21], [34, 21]], x => x[0].Linear(x[1], outputFirst: true)),
        ["linear wide"] = ([[530, 384], [384, 520], [520]], x => x[0].Linear(x[1], x[2])),
        ["linear large"] = ([[1542, 400], [400, 690], [690]], x => x[0].Linear(x[1], x[2])),
        ["linear one row"] = ([[1, 800], [800, 70]], x => x[0].Linear(x[1])),
        ["linear one column"] = ([[90, 50], [50, 1]], x => x[0].Linear(x[1])),
        ["matmul"] = ([[2, 3, 20, 17], [2, 3, 17, 29]], x => x[0].MatMul(x[1])),
        ["layer norm"] = ([[50, 77], [77], [77]], x => x[0].LayerNorm(x[1], x[2])),
        ["rms norm"] = ([[50, 77], [77]], x => x[0].RmsNorm(x[1])),
        ["rotary"] = ([[2, 5, 3, 34]], x => x[0].Rotary()),
        ["mean"] = ([[40, 1500]], x => x[0].Mean([1], keepDims: true) * x[0]),
        ["embedding"] = ([[11, 300]], x => x[0].Embedding(x[0].Context.From<int>([3, 0, 10, 7], [2, 2]))),
        ["where"] = ([[700], [700]], x => Tensor.Where(x[0].Context.From<byte>([.. Enumerable.Range(0, 700).Select(i => (byte)(i % 3))], [700]), x[0], x[1])),
    };

    public static TheoryData<string, DType> Cases()
    {
        var cases = new TheoryData<string, DType>();
        foreach (var name in Ops.Keys)
            foreach (var dtype in new[] { DType.BF16, DType.F16 })
                cases.Add(name, dtype);
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Op_OnHalves_GivesTheBitsOfSinglesRounded(string name, DType dtype) =>
        AssertTheBitsOfSinglesRounded(Ops[name].Operands, Ops[name].Op, dtype, Rounds(name));

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void Ops_OnHalvesOfEveryLengthTo130_GiveTheBitsOfSinglesRounded(DType dtype)
    {
        for (var n = 1; n <= 130; n++)
        {
            foreach (var (operands, op) in OfLength(n))
                AssertTheBitsOfSinglesRounded(operands, op, dtype, rounds: false);
        }
    }

    private static (Shape[] Operands, Func<Tensor[], Tensor> Op)[] OfLength(int n) =>
    [
        ([[n], [n]], x => x[0] + x[1]),
        ([[n]], x => x[0].Gelu()),
        ([[2, n]], x => x[0].Dropout(0.3)),
        ([[3, n], [n, 5], [5]], x => x[0].Linear(x[1], x[2])),
        ([[3, 7], [7, n], [n]], x => x[0].Linear(x[1], x[2])),
        ([[3, n], [n], [n]], x => x[0].LayerNorm(x[1], x[2])),
        ([[3, n], [n]], x => x[0].RmsNorm(x[1])),
        ([[1, 2, 1, 2 * n]], x => x[0].Rotary()),
        ([[4, n]], x => x[0].Embedding(x[0].Context.From<int>([3, 0, 3], [3]))),
    ];

    private static void AssertTheBitsOfSinglesRounded(Shape[] operands, Func<Tensor[], Tensor> op, DType dtype, bool rounds)
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = Threads });
        Tensor[] singles = [.. operands.Select((shape, i) => MatrixProduct.Uniform(context, shape, i + 1).Cast(dtype).Cast(DType.F32).Detach().RequireGrad())];
        Tensor[] halves = [.. singles.Select(x => x.Detach().Cast(dtype).RequireGrad())];

        context.Random.BeginForward(0, 0);
        var expected = op(singles);
        context.Random.BeginForward(0, 0);
        var actual = op(halves);
        var gradient = MatrixProduct.Uniform(context, expected.Shape, 9).Cast(dtype);
        Assert.Equal(dtype, actual.DType);
        if (rounds)
        {
            AssertClose(expected, actual, dtype);
            return;
        }

        Assert.Equal(Bits(expected.Detach().Cast(dtype)), Bits(actual));
        expected.Backward(gradient.Cast(DType.F32));
        actual.Backward(gradient);
        for (var i = 0; i < singles.Length; i++)
            Assert.Equal(Bits(singles[i].Grad!.Cast(dtype)), Bits(halves[i].Grad!));
    }

    public static TheoryData<string, DType> CasesThatRoundOnce()
    {
        var cases = new TheoryData<string, DType>();
        foreach (var name in Ops.Keys.Where(name => !Rounds(name)))
            foreach (var dtype in new[] { DType.BF16, DType.F16 })
                cases.Add(name, dtype);
        return cases;
    }

    [Theory]
    [MemberData(nameof(CasesThatRoundOnce))]
    public void Op_OnHalvesWithSingleGradients_GivesThemUnrounded(string name, DType dtype)
    {
        var (operands, op) = Ops[name];
        using var context = new TensorContext(new TensorContextOptions { Threads = Threads });
        Tensor[] singles = [.. operands.Select((shape, i) => MatrixProduct.Uniform(context, shape, i + 1).Cast(dtype).Cast(DType.F32).Detach().RequireGrad())];
        SingleLeaf[] leaves = [.. singles.Select(x => new SingleLeaf(context.Empty(x.Shape)))];
        Tensor[] halves = [.. singles.Select((x, i) => x.Detach().Cast(dtype).RequireGrad(leaves[i]))];
        context.Random.BeginForward(0, 0);
        var expected = op(singles);
        context.Random.BeginForward(0, 0);
        var actual = op(halves);
        var gradient = MatrixProduct.Uniform(context, expected.Shape, 9).Cast(dtype);
        expected.Backward(gradient.Cast(DType.F32));
        actual.Backward(gradient);

        // What comes straight from an op is not rounded on the way; where it passes a gradient of an intermediate, that is 16-bit.
        for (var i = 0; i < singles.Length; i++)
            if (name is "linear" or "linear out first" or "linear large" or "matmul" or "layer norm" or "rms norm" or "add" or "embedding" or "gelu" or "rotary")
                Assert.Equal(Bits(singles[i].Grad!), Bits(leaves[i].Gradient!));
            else
                AssertClose(singles[i].Grad!, leaves[i].Gradient!, dtype);
    }

    // Attention saves its output rounded, and its gradient is computed from that: errors of a few roundings, relative to the largest value.
    [Theory]
    [InlineData(DType.BF16, 70, 33)]
    [InlineData(DType.F16, 64, 16)]
    public void CausalAttention_OnHalves_IsThatOfSinglesWithinRoundings(DType dtype, int tokens, int channels)
    {
        using var context = new TensorContext(new TensorContextOptions { Threads = Threads });
        Shape shape = [2, tokens, 3L * 2 * channels];
        var single = MatrixProduct.Uniform(context, shape, 1).Cast(dtype).Cast(DType.F32).Detach().RequireGrad();
        var half = single.Detach().Cast(dtype).RequireGrad();
        var (expected, actual) = (single.CausalAttention(2), half.CausalAttention(2));
        Assert.Equal(Bits(expected.Detach().Cast(dtype)), Bits(actual));
        var gradient = MatrixProduct.Uniform(context, expected.Shape, 2).Cast(dtype);
        expected.Backward(gradient.Cast(DType.F32));
        actual.Backward(gradient);
        AssertClose(single.Grad!, half.Grad!, dtype);
    }

    [Theory]
    [InlineData(DType.BF16, false)]
    [InlineData(DType.F16, true)]
    public void CrossEntropy_OnHalves_HasASingleLossAndRoundsTheGradientOnce(DType dtype, bool overwrite)
    {
        using var context = new TensorContext();
        var single = MatrixProduct.Uniform(context, [5, 4999], 1).Cast(dtype).Cast(DType.F32).Detach().RequireGrad();
        var half = single.Detach().Cast(dtype).RequireGrad();
        var targets = context.From<int>([0, 4998, -100, 2048, 2047], [5]);
        var expected = single.CrossEntropy(targets);
        var actual = (half * 1f).CrossEntropy(targets, overwriteLogits: overwrite);
        Assert.Equal(DType.F32, actual.DType);
        Assert.Equal(expected.Item(), actual.Item());
        expected.Backward();
        actual.Backward();
        Assert.Equal(Bits(single.Grad!.Cast(dtype)), Bits(half.Grad!));
    }

    [Fact]
    public void MixedOperands_GiveSingles()
    {
        using var context = new TensorContext();
        var single = MatrixProduct.Uniform(context, [4, 6], 1);
        var half = MatrixProduct.Uniform(context, [4, 6], 2).Cast(DType.BF16);
        Assert.Equal((single + half.Cast(DType.F32)).ToArray<float>(), (single + half).ToArray<float>());
        Assert.Equal(DType.F32, single.Linear(half, outputFirst: true).DType);
    }

    [Theory]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void InPlaceOps_OnHalves_RoundOnce(DType dtype)
    {
        using var context = new TensorContext();
        var single = MatrixProduct.Uniform(context, [1300], 1);
        var half = single.Cast(dtype);
        var sum = half.Cast(DType.F32) + single;
        half.AddInPlace(single);
        Assert.Equal(Bits(sum.Cast(dtype)), Bits(half));
        var wide = context.Empty([1300]);
        wide.CopyFrom(half);
        Assert.Equal(half.Cast(DType.F32).ToArray<float>(), wide.ToArray<float>());
        Assert.Equal(wide.SumOfSquares(), half.SumOfSquares());
        Assert.Equal(wide.LargestMagnitude(), half.LargestMagnitude());
        half.Fill(0);
        Assert.All(half.Cast(DType.F32).ToArray<float>(), value => Assert.Equal(0, value));
    }

    // Two ops, so one more rounding than fp32 has between them.
    private static bool Rounds(string name) => name is "multiply" or "divide" or "mean" or "slice";

    private static void AssertClose(Tensor expected, Tensor actual, DType dtype)
    {
        // A few roundings of values up to the largest: half a last place each, 2^-9 for bfloat16 and 2^-12 for half.
        var (wanted, found) = (expected.ToArray<float>(), actual.Detach().Cast(DType.F32).ToArray<float>());
        var bound = 8 * wanted.Max(MathF.Abs) * (dtype == DType.BF16 ? MathF.ScaleB(1, -9) : MathF.ScaleB(1, -12));
        for (var i = 0; i < wanted.Length; i++)
            Assert.InRange(found[i], wanted[i] - bound, wanted[i] + bound);
    }

    private static uint[] Bits(Tensor x) => [.. x.Detach().Cast(DType.F32).ToArray<float>().Select(BitConverter.SingleToUInt32Bits)];

    private sealed class SingleLeaf(Tensor gradient) : GradientLeaf
    {
        public override Tensor? Gradient => gradient;

        protected override Tensor Prepare() => gradient;
    }
}
