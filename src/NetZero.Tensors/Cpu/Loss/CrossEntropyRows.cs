using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>How the rows of a cross-entropy are cut into tasks, and counted.</summary>
internal static unsafe class CrossEntropyRows
{
    /// <summary>Logits of a row that are handled together: 8 KiB of floats, a multiple of every vector length.</summary>
    public const int Block = 2048;

    // Logits of a task: some ten microseconds of work.
    private const long TaskElements = 16384;

    public static long Tasks(long rows, long vocabulary) => (rows + RowsPerTask(vocabulary) - 1) / RowsPerTask(vocabulary);

    public static (long First, long Last) Task(long index, long rows, long vocabulary) =>
        (index * RowsPerTask(vocabulary), Math.Min(rows, (index + 1) * RowsPerTask(vocabulary)));

    /// <summary>Rows whose target is not the ignored one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static long Count(void* targets, DType targetType, long rows, long ignoreIndex)
    {
        long count = 0;
        for (long row = 0; row < rows; row++)
            count += EmbeddingIds.Read(targets, targetType, row) == ignoreIndex ? 0 : 1;
        return count;
    }

    private static long RowsPerTask(long vocabulary) => Math.Max(1, TaskElements / Math.Max(1, vocabulary));
}
