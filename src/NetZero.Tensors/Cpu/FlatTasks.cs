namespace NetZero.Tensors.Cpu;

/// <summary>How a flat elementwise range is cut into tasks.</summary>
internal static class FlatTasks
{
    // 64 KiB of each operand: some ten microseconds of work, and a multiple of every vector length.
    private const long TaskElements = 16384;

    public static long Count(long count) => (count + TaskElements - 1) / TaskElements;

    public static (long Start, long Length) Part(long index, long count) =>
        (index * TaskElements, Math.Min(TaskElements, count - (index * TaskElements)));
}
