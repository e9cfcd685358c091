namespace NetZero.Tensors;

/// <summary>One matrix multiplication with its memory, from the allocator that training uses, ready to run: operands stored as given or transposed.</summary>
internal sealed unsafe class GemmProblem : IDisposable
{
    private readonly TensorContext _tensors;
    private readonly GemmKernel _kernel;

    public GemmProblem(GemmShape shape, int threads = 1)
    {
        var (m, n, k) = (shape.M, shape.N, shape.K);
        _tensors = new TensorContext(new TensorContextOptions { Threads = threads });
        var a = shape.TransposeA ? new GemmMatrix(Filled(m * k), 1, m) : new GemmMatrix(Filled(m * k), k, 1);
        var b = shape.TransposeB ? new GemmMatrix(Filled(k * n), 1, k) : new GemmMatrix(Filled(k * n), n, 1);
        var c = new GemmMatrix(Filled(m * n), n, 1);
        var workspace = Filled(GemmKernel.WorkspaceBytes(m, n, k, threads) / sizeof(float));
        _kernel = new GemmKernel(m, n, k, 1, a, b, c, shape.Accumulate, null, workspace);
    }

    public void Run() => _kernel.Run(_tensors.Workers);

    public void Dispose() => _tensors.Dispose();

    private float* Filled(long count)
    {
        var block = _tensors.Empty([count]).Data<float>();
        CounterRandom.FillUniform(block, 0, count, -0.5f, 0.5f, 1, 0);
        return block;
    }
}
