using System.Runtime.InteropServices;

namespace NetZero.Tensors.Tests;

/// <summary>One multiplication with its memory: filled operands inside larger buffers whose other elements must stay untouched.</summary>
internal sealed unsafe class GemmCase : IDisposable
{
    private const float Canary = -12345.5f;
    private readonly List<nint> _blocks = [];
    private readonly float[] _before;
    private readonly long _cLength;
    private readonly WorkerPool _workers;

    public GemmCase(
        long m, long n, long k, bool transposeA = false, bool transposeB = false, bool accumulate = false, bool bias = false, long batch = 1,
        long spread = 1, long padding = 0, int threads = 1, int seed = 1)
    {
        _workers = new WorkerPool(threads);
        var random = new Random(seed);
        var a = Operand(m, k, batch, transposeA, spread, padding, random);
        var b = Operand(k, n, batch, transposeB, spread, padding, random);
        var cStride = n + padding;
        _cLength = batch * m * cStride;
        var c = new GemmMatrix(Allocate(_cLength), cStride, 1, m * cStride);
        for (long i = 0; i < _cLength; i++)
            c.Data[i] = Canary;
        for (long item = 0; item < batch; item++)
        {
            for (long i = 0; i < m; i++)
            {
                // What is overwritten is not read: NaN would show.
                for (long j = 0; j < n; j++)
                    *c.At(item, i, j) = accumulate ? Value(random) : float.NaN;
            }
        }

        _before = new ReadOnlySpan<float>(c.Data, checked((int)_cLength)).ToArray();
        var biasData = bias ? Allocate(n) : null;
        for (long j = 0; bias && j < n; j++)
            biasData[j] = Value(random);
        var bytes = GemmKernel.WorkspaceBytes(m, n, k, threads);
        WorkspaceFloats = bytes / sizeof(float);
        var workspace = Allocate(WorkspaceFloats + 16);
        for (var i = 0; i < 16; i++)
            workspace[WorkspaceFloats + i] = Canary;
        Kernel = new GemmKernel(m, n, k, batch, a, b, c, accumulate, biasData, workspace);
    }

    public GemmKernel Kernel { get; }

    public long WorkspaceFloats { get; }

    public GemmCase Run()
    {
        Kernel.Run(_workers);
        return this;
    }

    public float[] Result()
    {
        var kernel = Kernel;
        var result = new List<float>();
        for (long item = 0; item < kernel.Batch; item++)
        {
            for (long i = 0; i < kernel.M; i++)
            {
                for (long j = 0; j < kernel.N; j++)
                    result.Add(*kernel.C.At(item, i, j));
            }
        }

        return [.. result];
    }

    public void AssertMatchesReference()
    {
        var kernel = Kernel;
        var touched = new bool[_cLength];
        for (long item = 0; item < kernel.Batch; item++)
        {
            for (long i = 0; i < kernel.M; i++)
            {
                for (long j = 0; j < kernel.N; j++)
                {
                    var at = kernel.C.At(item, i, j) - kernel.C.Data;
                    touched[at] = true;
                    var (expected, magnitude) = GemmReference.Element(kernel, item, i, j, _before[at]);
                    var tolerance = GemmReference.Tolerance(kernel, magnitude);
                    var actual = kernel.C.Data[at];
                    if (!(double.Abs(actual - expected) <= tolerance))
                        Assert.Fail($"[{item}, {i}, {j}] of {kernel.M} x {kernel.N} x {kernel.K}: {actual}, expected {expected} +- {tolerance}");
                }
            }
        }

        for (long at = 0; at < _cLength; at++)
            Assert.True(touched[at] || kernel.C.Data[at] == Canary, $"wrote past a row of C, at {at}");
        for (var i = 0; i < 16; i++)
            Assert.Equal(Canary, kernel.Workspace[WorkspaceFloats + i]);
    }

    public void Dispose()
    {
        _workers.Dispose();
        foreach (var block in _blocks)
            NativeMemory.Free((void*)block);
    }

    private static float Value(Random random) => random.NextSingle() * 2 - 1;

    private GemmMatrix Operand(long rows, long columns, long batch, bool transpose, long spread, long padding, Random random)
    {
        var (lines, length) = transpose ? (columns, rows) : (rows, columns);
        var line = length * spread + padding;
        var data = Allocate(batch * lines * line);
        // Everything between the elements is NaN, so that reading it would show.
        for (long i = 0; i < batch * lines * line; i++)
            data[i] = float.NaN;
        var matrix = transpose
            ? new GemmMatrix(data, spread, line, lines * line)
            : new GemmMatrix(data, line, spread, lines * line);
        for (long item = 0; item < batch; item++)
        {
            for (long i = 0; i < rows; i++)
            {
                for (long j = 0; j < columns; j++)
                    *matrix.At(item, i, j) = Value(random);
            }
        }

        return matrix;
    }

    private float* Allocate(long count)
    {
        var block = NativeMemory.Alloc((nuint)long.Max(1, count) * sizeof(float));
        _blocks.Add((nint)block);
        return (float*)block;
    }
}
