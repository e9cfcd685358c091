namespace NetZero.Tensors;

/// <summary>Cuts one multiplication into tasks, each a rectangle of C of one batch item.</summary>
internal readonly unsafe struct GemmTasks<T, TVector> : IParallelBody
    where T : struct, ITileVector<TVector>
    where TVector : unmanaged
{
    private readonly GemmKernel _kernel;
    private readonly long _rows;
    private readonly long _columns;
    private readonly long _tasksDown;
    private readonly long _tasksAcross;
    private readonly long _workspacePerThread;

    private GemmTasks(in GemmKernel kernel, int threads)
    {
        _kernel = kernel;
        (_rows, _columns) = GemmBlocking.Task(kernel.M, kernel.N, kernel.K, kernel.Batch, threads);
        _tasksDown = (kernel.M + _rows - 1) / _rows;
        _tasksAcross = (kernel.N + _columns - 1) / _columns;
        _workspacePerThread = kernel.WorkspacePerThread;
    }

    /// <summary>Computes the whole multiplication.</summary>
    public static void Run(in GemmKernel kernel, WorkerPool workers)
    {
        var body = new GemmTasks<T, TVector>(kernel, workers.Threads);
        var tasks = kernel.Batch * body._tasksDown * body._tasksAcross;
        if (GemmBlocking.IsWorthThreads(kernel.M, kernel.N, kernel.K, kernel.Batch))
        {
            workers.For(tasks, ref body);
            return;
        }

        for (long task = 0; task < tasks; task++)
            body.Run(task, 0);
    }

    /// <inheritdoc/>
    public void Run(long index, int worker)
    {
        var (rest, across) = Math.DivRem(index, _tasksAcross);
        var (batch, down) = Math.DivRem(rest, _tasksDown);
        var row = down * _rows;
        var column = across * _columns;
        var rows = Math.Min(_rows, _kernel.M - row);
        var columns = Math.Min(_columns, _kernel.N - column);
        var workspace = _kernel.Workspace + worker * _workspacePerThread;
        if (_kernel.C.Elements.IsFloat)
            GemmBlock<T, TVector>.Run(_kernel, batch, row, rows, column, columns, workspace);
        else
            GemmNarrowing<T, TVector>.Run(_kernel, batch, row, rows, column, columns, workspace);
    }
}
