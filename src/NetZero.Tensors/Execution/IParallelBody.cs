namespace NetZero.Tensors;

/// <summary>The body of a parallel loop; a struct, so that <see cref="WorkerPool.For{TBody}"/> neither allocates nor boxes.</summary>
public interface IParallelBody
{
    /// <summary>Does task <paramref name="index"/> on worker <paramref name="worker"/> (0 is the calling thread).</summary>
    /// <param name="index">The task, from 0 to the loop's count - 1. Each runs exactly once, on any worker.</param>
    /// <param name="worker">Which worker runs it, below <see cref="WorkerPool.Threads"/>: picks scratch memory, never a result.</param>
    void Run(long index, int worker);
}
