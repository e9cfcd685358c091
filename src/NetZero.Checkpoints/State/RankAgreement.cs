using System.Text;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>What all ranks must know of a failure that some of them met: ranks may be processes, so it travels by collectives.</summary>
internal static class RankAgreement
{
    // One line with a path and a tensor's name; what is longer is cut.
    private const int LongestBytes = 4096;

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
