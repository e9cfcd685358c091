namespace NetZero.Tensors.Tests;

public class MatMulTests
{
    public static TheoryData<long[], long[]> BatchShapes => new()
    {
        { [], [] }, { [4], [4] }, { [4], [] }, { [], [4] }, { [2, 3], [2, 3] }, { [2, 3], [3] }, { [1, 3], [2, 1] }, { [2, 3, 2], [3, 1] }, { [5, 1], [5, 4] },
    };

    // c = a b is linear in a and in b, so with the objective sum(c · g): da = g b^T and db = a^T g, summed over what was broadcast.
    [Theory]
    [MemberData(nameof(BatchShapes))]
    public void MatMul_BroadcastBatches_ValueAndGradientsMatchTheDefinition(long[] aBatch, long[] bBatch)
    {
        foreach (var transposed in new[] { false, true })
        {
            const int M = 5, K = 7, N = 9;
            using var context = new TensorContext();
            var a = MatrixProduct.Uniform(context, Shape.Create([.. aBatch, .. transposed ? [K, M] : (long[])[M, K]]), 1).RequireGrad();
            var b = MatrixProduct.Uniform(context, Shape.Create([.. bBatch, .. transposed ? [N, K] : (long[])[K, N]]), 2).RequireGrad();
            var c = transposed ? a.Transpose().MatMul(b.Transpose()) : a.MatMul(b);
            var g = MatrixProduct.Uniform(context, c.Shape, 3);
            c.Backward(g);

            var (ax, bx, gx) = (a.ToArray<float>(), b.ToArray<float>(), g.ToArray<float>());
            var (value, da, db) = (new MatrixProduct(gx.Length), new MatrixProduct(ax.Length), new MatrixProduct(bx.Length));
            for (var item = 0; item < gx.Length / (M * N); item++)
            {
                var (aItem, bItem) = (Item(item, c.Shape, aBatch), Item(item, c.Shape, bBatch));
                for (var i = 0; i < M; i++)
                {
                    for (var j = 0; j < N; j++)
                    {
                        for (var p = 0; p < K; p++)
                        {
                            var at = aItem * M * K + (transposed ? p * M + i : i * K + p);
                            var bt = bItem * K * N + (transposed ? j * K + p : p * N + j);
                            var ct = (item * M + i) * N + j;
                            value.Add(ct, (double)ax[at] * bx[bt]);
                            da.Add(at, (double)gx[ct] * bx[bt]);
                            db.Add(bt, (double)ax[at] * gx[ct]);
                        }
                    }
                }
            }

            value.AssertEquals(c);
            da.AssertEquals(a.Grad!);
            db.AssertEquals(b.Grad!);
        }
    }

    [Fact]
    public void MatMul_HeadsAsPermutedViews_EqualsTheCopies()
    {
        using var context = new TensorContext();
        var q = MatrixProduct.Uniform(context, [2, 6, 3, 8], 1).Permute(0, 2, 1, 3);
        var k = MatrixProduct.Uniform(context, [2, 6, 3, 8], 2).Permute(0, 2, 3, 1);
        Assert.Equal(q.Contiguous().MatMul(k.Contiguous()).ToArray<float>(), q.MatMul(k).ToArray<float>());
    }

    [Fact]
    public void MatMul_EmptyExtents_GiveEmptySumsAndZeroGradients()
    {
        using var context = new TensorContext();
        var a = context.Zeros([0, 3, 4]).RequireGrad();
        var b = context.Full([1, 4, 5], 1).RequireGrad();
        var c = a.MatMul(b);
        Assert.Equal<Shape>([0, 3, 5], c.Shape);
        c.Backward(context.Zeros([0, 3, 5]));
        Assert.All(b.Grad!.ToArray<float>(), v => Assert.Equal(0f, v));
        Assert.All(context.Zeros([2, 0]).MatMul(context.Zeros([0, 3])).ToArray<float>(), v => Assert.Equal(0f, v));
    }

    [Fact]
    public void MatMul_ShapesThatDoNotFit_AreRefused()
    {
        using var context = new TensorContext();
        Assert.Contains("Transpose", Assert.Throws<ArgumentException>(() => context.Zeros([2, 3]).MatMul(context.Zeros([2, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("leading", Assert.Throws<ArgumentException>(() => context.Zeros([2, 2, 3]).MatMul(context.Zeros([4, 3, 3]))).Message, StringComparison.Ordinal);
        Assert.Contains("two dimensions", Assert.Throws<ArgumentException>(() => context.Zeros([3]).MatMul(context.Zeros([3, 3]))).Message, StringComparison.Ordinal);
    }

    // The batch item of an operand that the product's item reads.
    private static int Item(int item, Shape c, long[] batch)
    {
        long index = 0, stride = 1;
        for (var dim = 1; dim <= c.Dims - 2; dim++)
        {
            var extent = (int)c[^(dim + 2)];
            var at = item % extent;
            item /= extent;
            if (dim > batch.Length)
                continue;
            index += batch[^dim] == 1 ? 0 : at * stride;
            stride *= batch[^dim];
        }

        return (int)index;
    }
}
