namespace NetZero.Tensors.Tests;

public unsafe class GemmTests
{
    public static TheoryData<bool, bool> Transposes => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    // Around the tile sizes of all widths (4, 6, 8, 12 rows; 2, 8, 16, 32 columns), the block sizes (1536 rows, 256 to 768 columns, 384 deep), the
    // 96 rows of A that are packed together, and more than one of each.
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 1, 1 }, { 1, 257, 70 }, { 2, 64, 385 }, { 3, 33, 5 }, { 13, 33, 65 }, { 12, 32, 384 }, { 24, 64, 8 }, { 25, 65, 9 },
        { 95, 31, 40 }, { 96, 32, 41 }, { 97, 383, 17 }, { 108, 385, 16 }, { 200, 40, 769 }, { 31, 770, 770 }, { 257, 1, 400 }, { 400, 7, 1 },
        { 12, 96, 1153 }, { 193, 417, 390 }, { 1550, 9, 20 }, { 1537, 33, 400 }, { 9, 1601, 100 }, { 1600, 1, 800 },
    };

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_EverySmallSize_MatchesReference(bool transposeA, bool transposeB)
    {
        for (var m = 1; m <= 40; m++)
        {
            for (var n = 1; n <= 40; n += m % 3 + 1)
            {
                using var test = new GemmCase(m, n, (m * 7 + n * 3) % 40 + 1, transposeA, transposeB, m % 2 == 0, n % 2 == 0, seed: m * 100 + n);
                test.Run().AssertMatchesReference();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_EveryLengthTo130OfEachSide_MatchesReference(bool transposeA, bool transposeB)
    {
        for (var n = 1; n <= 130; n++)
        {
            foreach (var (m, columns, k) in new[] { (n, 33, 9), (13, n, 9), (13, 33, n) })
            {
                using var test = new GemmCase(m, columns, k, transposeA, transposeB, accumulate: n % 2 == 0, bias: n % 3 == 0, seed: n);
                test.Run().AssertMatchesReference();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Gemm_ShapesAroundTilesAndBlocks_MatchReferenceInAllTransposes(int m, int n, int k)
    {
        foreach (var (transposeA, transposeB) in Cross())
        {
            using var test = new GemmCase(m, n, k, transposeA, transposeB);
            test.Run().AssertMatchesReference();
        }
    }

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_AccumulateAndBias_MatchReference(bool transposeA, bool transposeB)
    {
        foreach (var (accumulate, bias) in Cross())
        {
            using var test = new GemmCase(37, 71, 800, transposeA, transposeB, accumulate, bias);
            test.Run().AssertMatchesReference();
        }
    }

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_StridedViews_ReadAndWriteTheirOwnElementsOnly(bool transposeA, bool transposeB)
    {
        foreach (var spread in new[] { 1, 3 })
        {
            using var test = new GemmCase(29, 67, 45, transposeA, transposeB, accumulate: true, bias: true, batch: 2, spread: spread, padding: 5);
            test.Run().AssertMatchesReference();
        }
    }

    [Theory]
    [InlineData(1, 64, 64)]
    [InlineData(7, 19, 33)]
    [InlineData(64, 64, 32)]
    public void Gemm_Batches_MatchReference(int m, int n, int k)
    {
        using var test = new GemmCase(m, n, k, transposeB: true, accumulate: true, bias: true, batch: 5, threads: 2);
        test.Run().AssertMatchesReference();
    }

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_AnyNumberOfThreads_GivesTheSameBits(bool transposeA, bool transposeB)
    {
        foreach (var (m, n, k, batch) in new[] { (193, 417, 390, 1), (5, 1000, 500, 1), (700, 30, 64, 1), (50, 50, 50, 7) })
        {
            using var one = new GemmCase(m, n, k, transposeA, transposeB, accumulate: true, bias: true, batch: batch);
            var expected = one.Run().Result();
            foreach (var threads in new[] { 2, 3 })
            {
                using var several = new GemmCase(m, n, k, transposeA, transposeB, accumulate: true, bias: true, batch: batch, threads: threads);
                Assert.Equal(expected, several.Run().Result());
                several.AssertMatchesReference();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Transposes))]
    public void Gemm_PartOfTheRowsAndColumns_GivesTheSameBitsAsAll(bool transposeA, bool transposeB)
    {
        const int M = 109, N = 417, K = 500;
        using var all = new GemmCase(M, N, K, transposeA, transposeB, bias: true);
        var expected = all.Run().Result();
        using var workers = new WorkerPool(1);
        foreach (var (row, rows, column, columns) in new[]
        {
            (0, 1, 0, N), (17, 1, 3, 70), (108, 1, 0, N), (5, 2, 0, N), (40, 7, 1, 33), (11, 13, 400, 17), (60, 25, 7, 1), (0, 49, 100, 16),
        })
        {
            using var memory = new GemmCase(rows, columns, K);
            var part = new GemmKernel(
                rows, columns, K, 1,
                new GemmMatrix(all.Kernel.A.At(0, row, 0), all.Kernel.A.RowStride, all.Kernel.A.ColumnStride),
                new GemmMatrix(all.Kernel.B.At(0, 0, column), all.Kernel.B.RowStride, all.Kernel.B.ColumnStride),
                memory.Kernel.C, false, all.Kernel.Bias.Floats + column, memory.Kernel.Workspace);
            part.Run(workers);
            for (var i = 0; i < rows; i++)
            {
                for (var j = 0; j < columns; j++)
                    Assert.Equal(expected[(row + i) * N + column + j], *part.C.At(0, i, j));
            }
        }
    }

    [Fact]
    public void Gemm_RowsThatDisplaceEachOtherFromTheCache_GiveTheSameBits()
    {
        // Rows of 1024 floats are 4 KiB apart: packed where rows of 200 would be read in place.
        const int M = 20, N = 130, K = 200;
        Assert.True(GemmBlocking.RowsCollide(6, 1024, K, N));
        Assert.False(GemmBlocking.RowsCollide(6, K, K, N));
        using var apart = new GemmCase(M, N, K);
        using var colliding = new GemmCase(M, N, K, padding: 1024 - K);
        var expected = apart.Run().Result();
        var actual = colliding.Run().Result();
        apart.AssertMatchesReference();
        colliding.AssertMatchesReference();
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(512, false)]
    [InlineData(768, false)]
    [InlineData(1152, false)]
    [InlineData(1536, false)]
    [InlineData(1008, true)]
    [InlineData(1024, true)]
    [InlineData(1040, true)]
    [InlineData(3072, true)]
    public void RowsCollide_OnlyAboutAMultipleOf4KiBApart(long stride, bool expected)
    {
        Assert.Equal(expected, GemmBlocking.RowsCollide(6, stride, 344, 256));
        Assert.False(GemmBlocking.RowsCollide(6, stride, 344, 64));
    }

    [Fact]
    public void EvenColumns_AnyWidth_AreWholeTilesInAsFewBlocksAsFit()
    {
        foreach (long k in new[] { 1, 64, 200, 344, 3072 })
        {
            var most = GemmBlocking.BlockColumns(k);
            for (long columns = 1; columns < 3000; columns += 7)
            {
                var even = GemmBlocking.EvenColumns(columns, k);
                Assert.InRange(even, 1, most);
                Assert.Equal(0, even % GemmBlocking.MaxTileColumns);
                Assert.Equal((columns + most - 1) / most, (columns + even - 1) / even);
            }
        }
    }

    [Theory]
    [InlineData(0, 5, 5)]
    [InlineData(5, 0, 5)]
    [InlineData(5, 37, 0)]
    [InlineData(0, 0, 0)]
    public void Gemm_ZeroSizes_WriteTheEmptySum(int m, int n, int k)
    {
        foreach (var (accumulate, bias) in Cross())
        {
            using var test = new GemmCase(m, n, k, accumulate: accumulate, bias: bias);
            test.Run().AssertMatchesReference();
        }
    }

    [Theory]
    [InlineData(1, 40)]
    [InlineData(13, 33)]
    [InlineData(30, 1)]
    public void Gemm_NaNAndInfinity_SpreadThroughZeros(int m, int n)
    {
        using var test = new GemmCase(m, n, 20);
        for (var p = 0; p < 20; p++)
        {
            *test.Kernel.A.At(0, 0, p) = 0;
            for (var j = 0; j < n; j++)
                *test.Kernel.B.At(0, p, j) = 1;
        }

        *test.Kernel.B.At(0, 7, n - 1) = float.PositiveInfinity;
        test.Run();
        Assert.True(float.IsNaN(*test.Kernel.C.At(0, 0, n - 1)));
        for (var j = 0; j < n - 1; j++)
            Assert.Equal(0f, *test.Kernel.C.At(0, 0, j));
        for (var i = 1; i < m; i++)
            Assert.False(float.IsFinite(*test.Kernel.C.At(0, i, n - 1)));
    }

    [Fact]
    public void Gemm_OneMatrixForAllBatchItems_IsUsedForEach()
    {
        using var memory = new GemmCase(6, 9, 11, batch: 3);
        var kernel = memory.Kernel;
        var shared = new GemmKernel(
            6, 9, 11, 3, kernel.A, new GemmMatrix(kernel.B.Data, kernel.B.RowStride, kernel.B.ColumnStride), kernel.C, false, null, kernel.Workspace);
        using var workers = new WorkerPool(1);
        shared.Run(workers);
        for (var item = 0; item < 3; item++)
        {
            var (expected, magnitude) = GemmReference.Element(shared, item, 5, 8, 0);
            Assert.Equal(expected, *shared.C.At(item, 5, 8), GemmReference.Tolerance(shared, magnitude));
        }
    }

    [Fact]
    public void Gemm_ResultWithAColumnStride_IsRefused()
    {
        var a = default(GemmMatrix);
        var error = Assert.Throws<ArgumentException>(() => new GemmKernel(2, 2, 2, 1, a, a, new GemmMatrix(null, 1, 2), false, null, null));
        Assert.Contains("column stride 2", error.Message, StringComparison.Ordinal);
    }

    private static (bool, bool)[] Cross() => [(false, false), (false, true), (true, false), (true, true)];
}
