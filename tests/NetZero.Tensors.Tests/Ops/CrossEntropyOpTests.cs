using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public class CrossEntropyOpTests
{
    private const long Ignored = -100;

    public static TheoryData<int, int> Sizes
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (var vocabulary = 1; vocabulary <= 130; vocabulary++)
                data.Add(3, vocabulary);
            data.Add(70, 256);
            data.Add(5, 5003); // several blocks of a row, one row a task
            return data;
        }
    }

    // loss = mean of lse - logits[target]; dlogits = (softmax - onehot) / count.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void CrossEntropy_AnySize_MatchesTheReferenceForwardAndBackward(int rows, int vocabulary)
    {
        var logits = PinnedFloats.Random((long)rows * vocabulary, 1, scale: 5);
        var targets = Targets(rows, vocabulary);
        targets[1] = Ignored;
        var (expectedLoss, expected) = CrossEntropyReference.Run(logits.Span, targets, vocabulary, Ignored);
        foreach (var overwrite in new[] { false, true })
        {
            using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
            var leaf = context.From<float>(logits.Span, [rows, vocabulary]).RequireGrad();
            // A contiguous copy of a transposed view, so that overwriting leaves the leaf alone.
            var transposed = leaf.Reshape(rows, 1, vocabulary).Permute(1, 0, 2);
            var loss = transposed.CrossEntropy(context.From<long>(targets, [1, rows]), overwriteLogits: overwrite);
            // exp is within 1.5 ulp; a block of 2048 terms in 4 or more lanes adds up to 512 roundings of partial sums, relative to the sum
            // at most 512 u; the logarithm turns that relative error of the sum into an absolute one; the loss itself, below 16, rounds by 16 u.
            var u = Math.Pow(2, -24);
            Assert.Equal(expectedLoss, loss.Item(), ((Math.Min(vocabulary, 2048) / 4.0) + 20) * u);
            loss.Backward();
            // Softmax is at most 1 and has the relative errors of the logarithm, of the differences and of exp.
            var actual = leaf.Grad!.ToArray<float>();
            for (var i = 0; i < expected.Length; i++)
                Assert.Equal(expected[i], actual[i], ((Math.Min(vocabulary, 2048) / 4.0) + 40) * u / (rows - 1));
        }
    }

    [Fact]
    public void CrossEntropy_LargeLogits_NeitherOverflow()
    {
        using var context = new TensorContext();
        var logits = context.From<float>([1e4f, 0, -1e4f, 3e38f, 3e38f, -3e38f], [2, 3]).RequireGrad();
        var loss = logits.CrossEntropy(context.From<int>([1, 0], [2]));
        // The rows' losses are 1e4 and ln 2; the mean rounds to a float near 5000.
        Assert.Equal((1e4 + Math.Log(2)) / 2, loss.Item(), 5000 * Math.Pow(2, -23));
        loss.Backward();
        Assert.Equal([0.5f, -0.5f, 0, -0.25f, 0.25f, 0], logits.Grad!.ToArray<float>());
    }

    [Fact]
    public void CrossEntropy_OverwritingLogits_NeverHoldsThemTwice()
    {
        const long rows = 64, vocabulary = 512, bytes = rows * vocabulary * sizeof(float);
        foreach (var (overwrite, buffers) in new[] { (true, 2), (false, 3) })
        {
            using var context = new TensorContext();
            // The leaf and the op's own copy are there anyway; the gradient is the one extra buffer, or none.
            var leaf = context.Full([vocabulary, rows], 1).RequireGrad();
            var loss = leaf.Permute(1, 0).CrossEntropy(context.From<long>(Targets((int)rows, (int)vocabulary), [rows]), overwriteLogits: overwrite);
            loss.Backward();
            var small = rows * 64;
            Assert.InRange(context.Ledger.Peak(MemoryKind.Activation), buffers * bytes, (buffers * bytes) + small);
        }
    }

    [Fact]
    public void CrossEntropy_OverwritingWhatIsNotTheOpsToUse_LeavesItAlone()
    {
        using var context = new TensorContext();
        float[] values = [1, 2, 3, 4, 5, 6];
        var targets = context.From<long>([0, 2], [2]);

        var leaf = context.From<float>(values, [3, 2]).RequireGrad();
        leaf.Reshape(2, 3).CrossEntropy(targets, overwriteLogits: true).Backward();
        Assert.Equal(values, leaf.ToArray<float>());

        var reserved = context.Reserve("parameters", 6 * sizeof(float), MemoryKind.Parameter);
        reserved.Materialize();
        var parameter = context.View(reserved, 0, [2, 3]);
        parameter.CopyFrom<float>(values);
        parameter.RequireGrad().Slice(1, 0, 3).CrossEntropy(targets, overwriteLogits: true).Backward();
        Assert.Equal(values, parameter.ToArray<float>());

        var kept = (leaf * 2).Keep();
        kept.Reshape(2, 3).CrossEntropy(targets, overwriteLogits: true).Backward();
        Assert.Equal([2f, 4, 6, 8, 10, 12], kept.ToArray<float>());

        var own = leaf * 2;
        own.Reshape(2, 3).CrossEntropy(targets, overwriteLogits: true).Backward();
        Assert.NotEqual(kept.ToArray<float>(), own.ToArray<float>());
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void CrossEntropy_TargetThatIsNoClass_IsNamed(long target)
    {
        using var context = new TensorContext();
        var error = Assert.Throws<ArgumentException>(
            () => context.Full([2, 4], 0).CrossEntropy(context.From<long>([0, target], [2])));
        Assert.Contains($"id {target} at position 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CrossEntropy_AnyNumberOfThreads_GivesTheSameBits()
    {
        var logits = PinnedFloats.Random(200 * 300, 1);
        float[] Run(int threads)
        {
            using var context = new TensorContext(new TensorContextOptions { Threads = threads });
            var leaf = context.From<float>(logits.Span, [200, 300]).RequireGrad();
            var loss = leaf.CrossEntropy(context.From<long>(Targets(200, 300), [200]));
            loss.Backward();
            return [loss.Item(), .. leaf.Grad!.ToArray<float>()];
        }

        Assert.Equal(Run(1), Run(3));
    }

    private static long[] Targets(int rows, int vocabulary)
    {
        var random = new Random(7);
        var targets = new long[rows];
        for (var i = 0; i < rows; i++)
            targets[i] = random.Next(vocabulary);
        return targets;
    }
}
