namespace NetZero.Tensors.Tests;

public class LinearTests
{
    private const int Rows = 3 * 23, In = 21, Out = 34;

    // y = x W + b is linear in each of x, W and b, so with the objective sum(y · g):
    // dx[r, i] = sum over o of g[r, o] W[i, o], dW[i, o] = sum over r of x[r, i] g[r, o], db[o] = sum over r of g[r, o].
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Linear_BothLayouts_ValueAndGradientsMatchTheDefinition(bool outputFirst, bool transposedView)
    {
        using var context = new TensorContext();
        var x = MatrixProduct.Uniform(context, [3, 23, In], 1).RequireGrad();
        var weight = MatrixProduct.Uniform(context, outputFirst ? [Out, In] : [In, Out], 2).RequireGrad();
        var bias = MatrixProduct.Uniform(context, [Out], 3).RequireGrad();
        var g = MatrixProduct.Uniform(context, [3, 23, Out], 4);

        // The view has the other layout and the same meaning.
        var y = transposedView ? x.Linear(weight.Transpose(), bias, !outputFirst) : x.Linear(weight, bias, outputFirst);
        y.Backward(g);

        var (xs, ws, bs, gs) = (x.ToArray<float>(), weight.ToArray<float>(), bias.ToArray<float>(), g.ToArray<float>());
        var (value, dx, dWeight, dBias) = (new MatrixProduct(Rows * Out), new MatrixProduct(Rows * In), new MatrixProduct(In * Out), new MatrixProduct(Out));
        for (var o = 0; o < Out; o++)
        {
            for (var r = 0; r < Rows; r++)
            {
                for (var i = 0; i < In; i++)
                {
                    var w = outputFirst ? o * In + i : i * Out + o;
                    value.Add(r * Out + o, (double)xs[r * In + i] * ws[w]);
                    dx.Add(r * In + i, (double)gs[r * Out + o] * ws[w]);
                    dWeight.Add(w, (double)xs[r * In + i] * gs[r * Out + o]);
                }

                value.Add(r * Out + o, bs[o]);
                dBias.Add(o, gs[r * Out + o]);
            }
        }

        Assert.Equal<Shape>([3, 23, Out], y.Shape);
        value.AssertEquals(y);
        dx.AssertEquals(x.Grad!);
        dWeight.AssertEquals(weight.Grad!);
        dBias.AssertEquals(bias.Grad!);
    }

    [Fact]
    public void Linear_UsedTwice_AddsBothGradients()
    {
        using var context = new TensorContext();
        var x = MatrixProduct.Uniform(context, [5, 5], 1).RequireGrad();
        var weight = MatrixProduct.Uniform(context, [5, 5], 2).RequireGrad();
        var bias = MatrixProduct.Uniform(context, [5], 3).RequireGrad();
        var g = MatrixProduct.Uniform(context, [5, 5], 4);
        x.Linear(weight, bias).Backward(g);
        var (dx, dWeight, dBias) = (x.Grad!.ToArray<float>(), weight.Grad!.ToArray<float>(), bias.Grad!.ToArray<float>());
        x.Linear(weight, bias).Backward(g);

        // The second contribution is the same sum, added to the first: exactly twice.
        Assert.Equal(dx.Select(v => 2 * v), x.Grad!.ToArray<float>());
        Assert.Equal(dWeight.Select(v => 2 * v), weight.Grad!.ToArray<float>());
        Assert.All(bias.Grad!.ToArray<float>().Zip(dBias), pair => Assert.Equal(2 * pair.Second, pair.First, 10 * float.ScaleB(5, -24)));
    }

    [Fact]
    public void Linear_NoBiasAndOneInputWithoutGradient_WritesOnlyTheOther()
    {
        using var context = new TensorContext();
        var x = MatrixProduct.Uniform(context, [4, 3], 1);
        var weight = MatrixProduct.Uniform(context, [3, 2], 2).RequireGrad();
        x.Linear(weight).Backward(context.Full([4, 2], 1));
        Assert.Null(x.Grad);
        Assert.NotNull(weight.Grad);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void ColumnSum_AnyLengthAndThreads_MatchesTheDefinition(int rows)
    {
        foreach (var columns in new[] { 1, 7, 64, 100, 257, 600 })
            AssertColumnSum(rows, columns);
    }

    [Fact]
    public void ColumnSum_EveryLengthTo130_MatchesTheDefinition()
    {
        for (var n = 1; n <= 130; n++)
        {
            AssertColumnSum(rows: 5, columns: n);
            AssertColumnSum(rows: n, columns: 37);
        }
    }

    private static void AssertColumnSum(int rows, int columns)
    {
        float[]? first = null;
        foreach (var threads in new[] { 1, 3 })
        {
            using var context = new TensorContext(new TensorContextOptions { Threads = threads });
            var x = MatrixProduct.Uniform(context, [rows, columns], 1);
            var y = context.Full([columns], 0.25f);
            Sum(x, y);
            var expected = new MatrixProduct(columns);
            var xs = x.ToArray<float>();
            for (var i = 0; i < rows * columns; i++)
                expected.Add(i % columns, xs[i]);
            for (var j = 0; j < columns; j++)
                expected.Add(j, 0.25);
            expected.AssertEquals(y);
            first ??= y.ToArray<float>();
            Assert.Equal(first, y.ToArray<float>());
        }
    }

    [Fact]
    public void Linear_OnMeta_HasTheSamePeaksAsOnTheCpu()
    {
        Assert.Equal(Peaks(Device.Cpu), Peaks(Device.Meta));

        static long[] Peaks(Device device)
        {
            using var context = new TensorContext(new TensorContextOptions { Device = device, Threads = 2 });
            var x = context.Empty([40, 50]).RequireGrad();
            var weight = context.Empty([60, 50]).RequireGrad();
            using (context.BeginStepScope("step"))
                x.Linear(weight, context.Empty([60]), outputFirst: true).Backward(context.Empty([40, 60]));
            return [.. Enum.GetValues<MemoryKind>().Select(kind => context.Ledger.Peak(kind))];
        }
    }

    [Fact]
    public void Linear_ShapesThatDoNotFit_NameTheOtherLayout()
    {
        using var context = new TensorContext();
        var x = context.Zeros([2, 3]);
        var error = Assert.Throws<ArgumentException>(() => x.Linear(context.Zeros([5, 3])));
        Assert.Contains("outputFirst: True", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => x.Linear(context.Zeros([3])));
        Assert.Throws<ArgumentException>(() => x.Linear(context.Zeros([3, 5]), context.Zeros([4])));
    }

    private static unsafe void Sum(Tensor x, Tensor y) =>
        x.Context.Launch(new ColumnSumKernel(x.Data<float>(), y.Data<float>(), x.Shape[0], x.Shape[1], accumulate: true));
}
