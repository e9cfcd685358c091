using System.Runtime.Intrinsics;

namespace NetZero.Tensors.Tests;

public class GemmWidthTests
{
    private static readonly (int M, int N, int K)[] Shapes = [(1, 1, 1), (5, 3, 9), (31, 37, 50), (101, 67, 129), (12, 32, 784), (200, 400, 30)];

    [FactOn(Instructions.Tiles512)]
    public void Gemm_Vectors512_MatchReferenceAndTheBitsOfVectors256()
    {
        foreach (var (wide, narrow) in Cases().Zip(Cases()))
        {
            Run<TileVector512, Vector512<float>>(wide);
            wide.AssertMatchesReference();
            if (TileVector256.IsSupported)
            {
                Run<TileVector256, Vector256<float>>(narrow);
                Assert.Equal(wide.Result(), narrow.Result());
            }

            wide.Dispose();
            narrow.Dispose();
        }
    }

    [FactOn(Instructions.Tiles256)]
    public void Gemm_Vectors256_MatchReference() => CheckAll<TileVector256, Vector256<float>>();

    [Fact]
    public void Gemm_Vectors128_MatchReference() => CheckAll<TileVector128, Vector128<float>>();

    [Fact]
    public void Gemm_NoVectors_MatchReference() => CheckAll<TileScalar, float>();

    private static void CheckAll<T, TVector>()
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        foreach (var test in Cases())
        {
            Run<T, TVector>(test);
            test.AssertMatchesReference();
            test.Dispose();
        }
    }

    private static void Run<T, TVector>(GemmCase test)
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        using var workers = new WorkerPool(1);
        GemmTasks<T, TVector>.Run(test.Kernel, workers);
    }

    private static IEnumerable<GemmCase> Cases()
    {
        foreach (var (m, n, k) in Shapes)
        {
            for (var bits = 0; bits < 16; bits++)
                yield return new GemmCase(m, n, k, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, batch: 2);
        }
    }
}
