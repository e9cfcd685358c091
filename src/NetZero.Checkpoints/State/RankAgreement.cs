using System.Text;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>What all ranks must know of a failure that some of them met: ranks may be processes, so it travels by collectives.</summary>
internal static class RankAgreement
{
    // One line with a path and a tensor's name; what is longer is cut.
    private const int LongestBytes = 4096;

    // Far below what a collective waits for others, and so long that looking costs nothing.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Waits for what some ranks do beside training. Every rank calls it, and none waits in a collective for as long as another takes: that would look like a rank that hangs.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="work">What this rank does; null for nothing. How it ends is the caller's business.</param>
    public static void WaitForAll(ProcessGroup group, Task? work)
    {
        Span<double> left = [1];
        while (left[0] > 0)
        {
            left[0] = work is null || Task.WaitAny([work], LookEvery) == 0 ? 0 : 1;
            group.AllReduce("checkpoint under way", left, ReduceOp.Max);
        }
    }

    /// <summary>The failure of the lowest rank that met one, on every rank; null where none has. Every rank calls it.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="tensors">This rank's tensors.</param>
    /// <param name="failure">What this rank has met; null for nothing.</param>
    public static (string Message, bool IsDamage)? FirstFailure(ProcessGroup group, TensorContext tensors, Exception? failure)
    {
        // Twice the rank, and whether it found damage.
        Span<double> first = [failure is null ? 2.0 * group.Size : (2.0 * group.Rank) + (failure is CheckpointException { IsDamage: false } ? 1 : 0)];
        group.AllReduce("checkpoint outcome", first, ReduceOp.Min);
        var (rank, sound) = Math.DivRem((int)first[0], 2);
        if (rank == group.Size)
            return null;

        using var scope = tensors.BeginScope("checkpoint outcome");
        var message = new byte[LongestBytes];
        if (group.Rank == rank)
            Encoding.UTF8.GetEncoder().Convert(failure!.Message, message, flush: true, out _, out _, out _);
        var shared = tensors.Empty([LongestBytes], DType.U8, MemoryKind.Communication);
        shared.CopyFrom<byte>(message);
        group.Broadcast("checkpoint outcome", CollectiveBuffer.Of(shared), rank).WaitInputs();
        shared.CopyTo<byte>(message);
        return (Encoding.UTF8.GetString(message).TrimEnd('\0'), sound == 0);
    }
}
