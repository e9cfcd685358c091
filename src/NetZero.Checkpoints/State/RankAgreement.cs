using System.Text;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Checkpoints;

/// <summary>What all ranks must know of a failure that some of them met: ranks may be processes, so it travels by collectives.</summary>
internal static class RankAgreement
{
    // One line with a path and a tensor's name; what is longer is cut.
    private const int LongestBytes = 4096;

    // What a rank says of its work; 0 is that it has ended well.
    private const double IsRunning = 1;
    private const double HasFailed = 2;

    // Far below what a collective waits for others, and so long that looking costs nothing.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Waits for what some ranks do beside training. Every rank calls it, and none waits in a collective for as long as another takes: that would look like a rank that hangs.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="tensors">This rank's tensors.</param>
    /// <param name="work">What this rank does; null for nothing. How it ends is the caller's business.</param>
    /// <param name="failure">Asked once it has ended: why it has failed, for those whose work waits for this rank;
    /// null where it has not.</param>
    /// <param name="hear">Told of ranks that have failed, and why, while others still work.</param>
    public static void WaitForAll(
        ProcessGroup group, TensorContext tensors, Task? work, Func<string?>? failure = null, Action<int, string>? hear = null)
    {
        var states = new double[group.Size];
        var heard = new HashSet<int>();
        while (true)
        {
            var ended = work is null || Task.WaitAny([work], LookEvery) == 0;
            var reason = ended ? failure?.Invoke() : null;
            states.AsSpan().Clear();
            states[group.Rank] = reason is not null ? HasFailed : ended ? 0 : IsRunning;
            group.AllReduce("checkpoint under way", states, ReduceOp.Max);
            if (!states.Contains(IsRunning))
                return;

            // All see the same: the ranks that have failed since, the lowest of them says why for all.
            var told = "";
            for (var rank = 0; rank < states.Length; rank++)
            {
                if (states[rank] != HasFailed || !heard.Add(rank))
                    continue;
                told = told.Length > 0 ? told : Tell(group, tensors, rank, reason);
                hear?.Invoke(rank, told);
            }
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

        return (Tell(group, tensors, rank, failure?.Message), sound == 0);
    }

    // One rank's message, on all.
    private static string Tell(ProcessGroup group, TensorContext tensors, int rank, string? own)
    {
        using var scope = tensors.BeginScope("checkpoint outcome");
        var message = new byte[LongestBytes];
        if (group.Rank == rank)
            Encoding.UTF8.GetEncoder().Convert(own, message, flush: true, out _, out _, out _);
        var shared = tensors.Empty([LongestBytes], DType.U8, MemoryKind.Communication);
        shared.CopyFrom<byte>(message);
        group.Broadcast("checkpoint outcome", CollectiveBuffer.Of(shared), rank).WaitInputs();
        shared.CopyTo<byte>(message);
        return Encoding.UTF8.GetString(message).TrimEnd('\0');
    }
}
