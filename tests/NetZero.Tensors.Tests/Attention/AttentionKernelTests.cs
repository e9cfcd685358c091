using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

public unsafe class AttentionKernelTests
{
    /// <summary>Batch, tokens, query heads, key heads, channels, causal: shared key heads, several tiles of 64, many channels.</summary>
    public static TheoryData<int, int, int, int, int, bool> Sizes
    {
        get
        {
            var data = new TheoryData<int, int, int, int, int, bool>();
            foreach (var causal in new[] { true, false })
            {
                data.Add(2, 65, 6, 2, 16, causal); // two key heads shared by three query heads each
                data.Add(2, 200, 2, 1, 64, causal);
                data.Add(1, 66, 1, 1, 128, causal);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ForwardAndBackward_AnySize_MatchTheReference(int batch, int tokens, int heads, int keyHeads, int channels, bool causal)
    {
        var shape = new AttentionShape(batch, tokens, heads, keyHeads, channels, 1 / MathF.Sqrt(channels), causal);
        var call = new Call(shape);
        call.Run(threads: 2);

        // All inputs are at most 1 in size and P sums to 1. A score is a sum of D products: its error, (D + 4) u times its terms of at
        // most 1 / sqrt(D) each, makes a relative error of P; sums over T keys of P times terms of size 1 then round once per tile and block.
        // Gradients multiply two such sums (P and dP, of size up to D, scaled by 1 / sqrt(D)) and add over up to T queries or heads' keys.
        var u = Math.Pow(2, -24);
        var scoreError = (channels + 4) * Math.Sqrt(channels) * u;
        var forward = (2 * scoreError) + ((tokens + 16) * u);
        var expected = AttentionReference.Forward(call.Q.Span, call.K.Span, call.V.Span, shape);
        AssertClose(expected, call.O, forward);
        var gradients = AttentionReference.Backward(call.Q.Span, call.K.Span, call.V.Span, call.DO.Span, shape);
        var backward = forward * 2 * Math.Sqrt(channels) * Math.Sqrt(tokens * (heads / keyHeads));
        AssertClose(gradients.Dq, call.Dq, backward);
        AssertClose(gradients.Dk, call.Dk, backward);
        AssertClose(gradients.Dv, call.Dv, backward);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ForwardAndBackward_EveryLengthTo130_MatchTheReference(bool causal)
    {
        for (var n = 1; n <= 130; n++)
        {
            ForwardAndBackward_AnySize_MatchTheReference(1, tokens: n, 2, 2, channels: 5, causal);
            ForwardAndBackward_AnySize_MatchTheReference(1, tokens: 7, 1, 1, channels: n, causal);
            ForwardAndBackward_AnySize_MatchTheReference(1, tokens: n, 2, 1, channels: 131 - n, causal);
        }
    }

    [Fact]
    public void ForwardAndBackward_AnyNumberOfThreads_GiveTheSameBits()
    {
        var shape = new AttentionShape(3, 70, 4, 2, 24, 0.2f, true);
        var (one, three) = (new Call(shape), new Call(shape));
        one.Run(threads: 1);
        three.Run(threads: 3);
        Assert.Equal(one.O.ToArray(), three.O.ToArray());
        Assert.Equal(one.Dq.ToArray(), three.Dq.ToArray());
        Assert.Equal(one.Dk.ToArray(), three.Dk.ToArray());
        Assert.Equal(one.Dv.ToArray(), three.Dv.ToArray());
    }

    [Fact]
    public void Forward_LargeScores_NeitherOverflowNorVanish()
    {
        // Scores up to 64 * 1000: exp of them is far out of range, of their differences it is not. The later keys raise the maximum.
        var shape = new AttentionShape(1, 130, 1, 1, 64, 1000, true);
        var call = new Call(shape);
        call.Run(threads: 1);
        var expected = AttentionReference.Forward(call.Q.Span, call.K.Span, call.V.Span, shape);
        // A score of size 2e4 is known to 2e4 * 2^-24 * (64 + 4) = 0.08 at worst, so P to 8 % of itself, and values are below 1.
        AssertClose(expected, call.O, 0.16);
        Assert.All(call.Dq.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    private static void AssertClose(double[] expected, PinnedFloats actual, double tolerance)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], tolerance);
    }

    private sealed class Call(AttentionShape shape)
    {
        public PinnedFloats Q { get; } = Random(shape, shape.Heads, 1);

        public PinnedFloats K { get; } = Random(shape, shape.KeyHeads, 2);

        public PinnedFloats V { get; } = Random(shape, shape.KeyHeads, 3);

        public PinnedFloats DO { get; } = Random(shape, shape.Heads, 4);

        public PinnedFloats O { get; } = Random(shape, shape.Heads, 5);

        public PinnedFloats Dq { get; } = Random(shape, shape.Heads, 6);

        public PinnedFloats Dk { get; } = Random(shape, shape.KeyHeads, 7);

        public PinnedFloats Dv { get; } = Random(shape, shape.KeyHeads, 8);

        public void Run(int threads)
        {
            using var workers = new WorkerPool(threads);
            var lse = new PinnedFloats(shape.Batch * shape.Heads * shape.Tokens);
            // Scratch holds rubbish from other kernels: not-a-numbers show whatever is read before it is written.
            fixed (float* scratch = Rubbish(AttentionForwardKernel.WorkspaceBytes(threads, shape)))
            {
                new AttentionForwardKernel(
                    Operand(Q, shape.Heads), Operand(K, shape.KeyHeads), Operand(V, shape.KeyHeads), Operand(O, shape.Heads), lse.Pointer,
                    (byte*)scratch, shape).Run(workers);
            }

            fixed (float* scratch = Rubbish(AttentionBackwardKernel.WorkspaceBytes(threads, shape)))
            {
                new AttentionBackwardKernel(
                    Operand(Q, shape.Heads), Operand(K, shape.KeyHeads), Operand(V, shape.KeyHeads), Operand(O, shape.Heads), lse.Pointer,
                    Operand(DO, shape.Heads), Operand(Dq, shape.Heads), Operand(Dk, shape.KeyHeads), Operand(Dv, shape.KeyHeads),
                    (byte*)scratch, shape).Run(workers);
            }
        }

        // On the managed heap, where it goes again: it is larger than the operands, for hundreds of sizes.
        private static float[] Rubbish(long bytes)
        {
            var floats = new float[bytes / sizeof(float)];
            Array.Fill(floats, float.NaN);
            return floats;
        }

        private static PinnedFloats Random(AttentionShape shape, long heads, int seed) =>
            PinnedFloats.Random(shape.Batch * shape.Tokens * heads * shape.HeadChannels, seed);

        private AttentionOperand Operand(PinnedFloats x, long heads) =>
            new(x.Pointer, shape.Tokens * heads * shape.HeadChannels, heads * shape.HeadChannels, shape.HeadChannels);
    }
}
