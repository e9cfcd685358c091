namespace NetZero.Tensors.Tests;

/// <summary>Adafactor's kernels on parts of matrices of many shapes, against the formulas in double precision.</summary>
public unsafe class AdafactorKernelTests
{
    private const double Epsilon = 1e-6;

    // Unit roundoff of a float.
    private static readonly double U = Math.Pow(2, -24);

    // Rows, columns, where the part begins and how long it is: whole matrices, parts of one row, parts that cut rows, more than one task,
    // and more columns than a task has elements.
    public static TheoryData<int, int, int, int> Parts => new()
    {
        { 1, 1, 0, 1 }, { 1, 37, 0, 37 }, { 37, 1, 0, 37 }, { 5, 7, 0, 35 }, { 5, 7, 9, 3 }, { 5, 7, 3, 30 }, { 9, 300, 123, 2000 },
        { 400, 130, 77, 51_000 }, { 3, 20_000, 5, 59_990 }, { 1, 1000, 256, 512 },
    };

    [Theory]
    [MemberData(nameof(Parts))]
    public void Squares_AreTheMeansOfRowsAndColumns_AndDoNotDependOnThreads(int rows, int columns, int first, int count)
    {
        // Where the shard begins is not where the matrix does.
        const int start = 19;
        var gradients = PinnedFloats.Random(start + count, 3);
        var part = new MatrixPart(first, rows, columns);
        float* scale = PinnedFloats.Random(1, 5).Pointer;
        *scale = 0.5f;
        var stretch = new FlatStretch(null, gradients.Pointer, start, count, scale);
        var found = Enumerable.Range(1, 3).Select(threads =>
        {
            var (ofRows, ofColumns) = (new PinnedFloats(rows), new PinnedFloats(columns, float.NaN));
            var scratch = new PinnedFloats(AdafactorSquaresKernel.WorkspaceBytes(part, count) / sizeof(float), float.NaN);
            using var workers = new WorkerPool(threads);
            new AdafactorSquaresKernel(stretch, part, Epsilon, ofRows.Pointer, ofColumns.Pointer, (double*)scratch.Pointer).Run(workers);
            return (Rows: ofRows.ToArray(), Columns: ofColumns.ToArray());
        }).ToArray();
        Assert.All(found, other => Assert.Equal(found[0].Rows, other.Rows));
        Assert.All(found, other => Assert.Equal(found[0].Columns, other.Columns));

        var (expectedRows, expectedColumns) = (new double[rows], new double[columns]);
        for (var i = 0; i < count; i++)
        {
            var (row, column) = Math.DivRem(first + i, columns);
            var square = Math.Pow(0.5 * gradients[start + i], 2) + Epsilon;
            expectedRows[row] += square / columns;
            expectedColumns[column] += square / rows;
        }

        // Sums of positive doubles, rounded once.
        for (var i = 0; i < rows; i++)
            Assert.Equal(expectedRows[i], found[0].Rows[i], 1.01 * U * expectedRows[i]);
        for (var j = 0; j < columns; j++)
            Assert.Equal(expectedColumns[j], found[0].Columns[j], 1.01 * U * expectedColumns[j]);
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void Update_FollowsTheFormula(int rows, int columns, int first, int count)
    {
        const int start = 19;
        const double learningRate = 0.1, decay = 0.05, beta1 = 0.9, minimum = 1e-3, threshold = 0.7;
        using var context = new TensorContext(new TensorContextOptions { Threads = 2 });
        var (ofRows, ofColumns) = (Means(rows, 1), Means(columns, 2));
        double[] rowMeans = [.. ofRows.ToArray().Select(x => (double)x)], columnMeans = [.. ofColumns.ToArray().Select(x => (double)x)];
        using var workers = new WorkerPool(2);
        new AdafactorFactorsKernel(ofRows.Pointer, rows, ofColumns.Pointer, columns).Run(workers);
        var factors = FlatState.Factors(ofRows.Pointer, ofColumns.Pointer, columns, first - start);

        var (values, g) = (PinnedFloats.Random(start + count, 5), PinnedFloats.Random(start + count, 6));
        var momentum = PinnedFloats.Random(start + count, 7);
        var (before, momentumBefore) = (values.ToArray(), momentum.ToArray());
        var withMomentum = values.Copy();
        var stretch = new FlatStretch(values.Pointer, g.Pointer, start, count, null);
        var squares = new DeviceNumbers(context, 2, "squares");
        FlatNorms.AddOfFactored(stretch, factors, squares);
        var rate = new AdafactorRate(learningRate, true, minimum, threshold, count, squares);
        new AdafactorKernel(stretch, factors, decay, rate).Run(workers);
        var other = new FlatStretch(withMomentum.Pointer, g.Pointer, start, count, null);
        new AdafactorMomentumKernel(other, factors, FlatState.Floats(momentum.Pointer), beta1, decay, rate).Run(workers);

        var u = new double[count];
        var mean = rowMeans.Average();
        for (var i = 0; i < count; i++)
            u[i] = g[start + i] / Math.Sqrt(rowMeans[(first + i) / columns] / mean * columnMeans[(first + i) % columns]);
        var alpha = learningRate * Math.Max(minimum, Math.Sqrt(Enumerable.Range(start, count).Average(i => (double)before[i] * before[i])));
        var step = alpha / Math.Max(1, Math.Sqrt(u.Average(x => x * x)) / threshold);
        for (var i = 0; i < count; i++)
        {
            // A step is the product of four rounded numbers.
            var expected = (before[start + i] * (1 - (alpha * decay))) - (step * u[i]);
            Assert.Equal(expected, values[start + i], 3 * U * (Math.Abs(before[start + i]) + (6 * Math.Abs(step * u[i]))));
            var m = (beta1 * momentumBefore[start + i]) + ((1 - beta1) * step * u[i]);
            Assert.Equal(m, momentum[start + i], 6 * U * (1 + Math.Abs(step * u[i])));
            Assert.Equal((before[start + i] * (1 - (alpha * decay))) - m, withMomentum[start + i], 12 * U * (1 + Math.Abs(step * u[i])));
        }

        squares.Free();
    }

    // A row whose gradients are zero among rows of large ones: its factor is the largest there is, and a product of two is finite.
    [Fact]
    public void Factors_AreFinite()
    {
        var means = new PinnedFloats(4, 1e-30f);
        means[1] = 1e30f;
        using var workers = new WorkerPool();
        new AdafactorFactorsKernel(means.Pointer, 2, means.Pointer + 2, 2).Run(workers);
        Assert.Equal(1e19f, means[0]);
        Assert.Equal(Math.Sqrt(0.5), means[1], 1e-7);
        Assert.Equal(1e15f, means[2], 1e9f);
        Assert.True(float.IsFinite(means[0] * means[2]));
    }

    private static PinnedFloats Means(int count, int seed)
    {
        var means = PinnedFloats.Random(count, seed);
        for (var i = 0; i < count; i++)
            means[i] = (means[i] * means[i]) + 1e-3f;
        return means;
    }
}
