using System.Runtime.InteropServices;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>One matrix multiplication with its memory, ready to run: operands stored as given or transposed.</summary>
internal sealed unsafe class GemmProblem : IDisposable
{
    private readonly List<nint> _blocks = [];
    private readonly WorkerPool _workers;
    private readonly GemmKernel _kernel;

    public GemmProblem(GemmShape shape, int threads = 1)
    {
        var (m, n, k) = (shape.M, shape.N, shape.K);
        _workers = new WorkerPool(threads);
        var a = shape.TransposeA ? new GemmMatrix(Filled(m * k), 1, m) : new GemmMatrix(Filled(m * k), k, 1);
        var b = shape.TransposeB ? new GemmMatrix(Filled(k * n), 1, k) : new GemmMatrix(Filled(k * n), n, 1);
        var c = new GemmMatrix(Filled(m * n), n, 1);
        var workspace = Filled(GemmKernel.WorkspaceBytes(m, n, k, threads) / sizeof(float));
        _kernel = new GemmKernel(m, n, k, 1, a, b, c, shape.Accumulate, null, workspace);
    }

    public void Run() => _kernel.Run(_workers);

    public void Dispose()
    {
        _workers.Dispose();
        foreach (var block in _blocks)
            NativeMemory.AlignedFree((void*)block);
    }

    private float* Filled(long count)
    {
        var block = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)), 64);
        _blocks.Add((nint)block);
        var random = new Random(1);
        for (long i = 0; i < count; i++)
            block[i] = random.NextSingle() - 0.5f;
        return block;
    }
}
