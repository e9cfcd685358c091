using System.Runtime.Intrinsics;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// Matrix multiply: C = A · B (+ C) (+ bias), C [batch, m, n], A [batch, m, k], B [batch, k, n], bias [n] added to every row.
/// </summary>
/// <remarks>
/// A and B may be any views; the columns of C lie side by side. The bits of an element depend on its row of A, its column of B and k (and
/// on whether the processor fuses multiply and add): not on the number of threads, the other rows or columns, or the layout. Zeros are not
/// skipped, so NaN and infinity spread as IEEE 754 says. With k = 0 the product is 0.
/// </remarks>
internal readonly unsafe struct GemmKernel : IKernel
{
    /// <summary>Describes one call. C must not overlap A, B, the bias or the workspace.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Columns of A, rows of B.</param>
    /// <param name="batch">Independent multiplications.</param>
    /// <param name="a">[m, k]</param>
    /// <param name="b">[k, n]</param>
    /// <param name="c">[m, n], column stride 1, each element at its own address.</param>
    /// <param name="accumulate">Adds to C; otherwise C is overwritten and never read.</param>
    /// <param name="bias">n elements side by side, or null.</param>
    /// <param name="workspace">At least <see cref="WorkspaceBytes"/> bytes, aligned as floats are.</param>
    public GemmKernel(
        long m, long n, long k, long batch, GemmMatrix a, GemmMatrix b, GemmMatrix c, bool accumulate, FloatPointer bias, void* workspace)
    {
        if (c.ColumnStride != 1)
            throw new ArgumentException($"Gemm: C has column stride {c.ColumnStride}, expected 1; multiply into a contiguous tensor.");
        M = m;
        N = n;
        K = k;
        Batch = batch;
        A = a;
        B = b;
        C = c;
        Accumulate = accumulate;
        Bias = bias;
        Workspace = (float*)workspace;
    }

    /// <summary>Rows of C.</summary>
    public long M { get; }

    /// <summary>Columns of C.</summary>
    public long N { get; }

    /// <summary>Length of the sums.</summary>
    public long K { get; }

    /// <summary>Independent multiplications.</summary>
    public long Batch { get; }

    /// <summary>[m, k]</summary>
    public GemmMatrix A { get; }

    /// <summary>[k, n]</summary>
    public GemmMatrix B { get; }

    /// <summary>[m, n]</summary>
    public GemmMatrix C { get; }

    /// <summary>Whether C is added to.</summary>
    public bool Accumulate { get; }

    /// <summary>[n] or null.</summary>
    public FloatPointer Bias { get; }

    /// <summary>Scratch for packed panels.</summary>
    public float* Workspace { get; }

    /// <summary>Bytes of workspace for packed panels: a function of the sizes, types and threads, the same on every processor.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">Length of the sums.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="widens">Whether A or B is 16-bit.</param>
    /// <param name="narrows">Whether C is 16-bit.</param>
    /// <param name="widensBias">Whether there is a 16-bit bias.</param>
    public static long WorkspaceBytes(long m, long n, long k, int threads, bool widens = false, bool narrows = false, bool widensBias = false) =>
        m == 0 || n == 0 ? 0
        : ((widensBias ? n : 0) + (threads * PerThread(m, n, k, widens, narrows))) * sizeof(float);

    // A column may be computed as a row.
    private static long PerThread(long m, long n, long k, bool widens, bool narrows) =>
        n == 1
            ? Math.Max(PerThreadAsIs(m, 1, k, widens, narrows), PerThreadAsIs(1, m, k, widens, narrows))
            : PerThreadAsIs(m, n, k, widens, narrows);

    private static long PerThreadAsIs(long m, long n, long k, bool widens, bool narrows) =>
        (k == 0 && !narrows ? 0 : GemmBlocking.WorkspacePerThread(m, n, k)) + ExtraPerThread(m, n, k, widens, narrows);

    private static long ExtraPerThread(long m, long n, long k, bool widens, bool narrows) =>
        (widens || narrows ? GemmWidening.Floats : 0) + (narrows ? GemmNarrowing.Floats(m, n, k) : 0);

    /// <summary>Floats of workspace for one thread.</summary>
    public long WorkspacePerThread =>
        GemmBlocking.WorkspacePerThread(M, N, K) + ExtraPerThread(M, N, K, !A.Elements.IsFloat || !B.Elements.IsFloat, !C.Elements.IsFloat);

    /// <inheritdoc/>
    public DType DType => A.Elements.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(M);
        arguments.Add(N);
        arguments.Add(K);
        arguments.Add(Batch);
        A.Describe(ref arguments);
        B.Describe(ref arguments);
        C.Describe(ref arguments);
        arguments.Add(Accumulate);
        arguments.Add(Bias);
        arguments.Add(Workspace);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(
        2.0 * M * N * K * Batch,
        (((double)M * K * A.Elements.ElementBytes) + ((double)K * N * B.Elements.ElementBytes) + ((double)M * N * C.Elements.ElementBytes * (Accumulate ? 2 : 1))) * Batch);

    /// <inheritdoc/>
    public void Run(WorkerPool workers)
    {
        if (M == 0 || N == 0 || Batch == 0)
            return;
        if (!Bias.IsFloat)
        {
            new GemmKernel(M, N, K, Batch, A, B, C, Accumulate, Bias.Read(N, Workspace), Workspace + N).Run(workers);
            return;
        }

        if (N == 1 && M > 1 && C.RowStride == 1 && Bias.IsNull)
        {
            // A column as a row: tiles are wide, and multiplication commutes bit for bit.
            var column = new GemmMatrix(C.Elements, M, 1, C.BatchStride);
            new GemmKernel(1, M, K, Batch, B.Transpose(), A.Transpose(), column, Accumulate, default, Workspace).Run(workers);
            return;
        }

        if (TileVector512.IsSupported)
            GemmTasks<TileVector512, Vector512<float>>.Run(this, workers);
        else if (TileVector256.IsSupported)
            GemmTasks<TileVector256, Vector256<float>>.Run(this, workers);
        else if (TileVector128.IsSupported)
            GemmTasks<TileVector128, Vector128<float>>.Run(this, workers);
        else
            GemmTasks<TileScalar, float>.Run(this, workers);
    }
}
