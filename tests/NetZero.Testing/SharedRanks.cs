using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>
/// Runs ranks with the shared-memory transport in one test process: each joins over a socket and maps everybody's memory at addresses of its own, as
/// ranks that are processes do, and differs from them in that it cannot be killed alone.
/// </summary>
public static class SharedRanks
{
    public static void Run(int ranks, Action<RankContext> program, WorldOptions? options = null)
    {
        var ledgers = new MemoryLedger[ranks];
        RunAsync(ranks, context =>
        {
            ledgers[context.Rank] = context.Tensors.Ledger;
            program(context);
            return Task.CompletedTask;
        }, options ?? Ranks.Options).GetAwaiter().GetResult();
        for (var rank = 0; rank < ranks; rank++)
            Ranks.CheckEmpty(ledgers[rank], rank);
    }

    public static async Task RunAsync(int ranks, Func<RankContext, Task> program, WorldOptions options)
    {
        var file = Path.Combine(Path.GetTempPath(), $"netzero-test-{Guid.NewGuid():N}");
        var failures = new Exception?[ranks];
        try
        {
            await Task.WhenAll(Enumerable.Range(0, ranks).Select(rank => Task.Run(async () =>
            {
                try
                {
                    await ProcessWorld.RunAsync(Worker(rank, ranks, file), program, options);
                }
                catch (Exception e)
                {
                    failures[rank] = e;
                }
            })));
        }
        finally
        {
            File.Delete(file);
        }

        // A rank that was released because of another's failure is not the cause.
        if (Array.Find(failures, e => e is not null and not PeerFailedException) is { } cause)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
        if (Array.Find(failures, e => e is not null) is { } follower)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(follower);
    }

    public static WorkerEnvironment Worker(int rank, int ranks, string rendezvousFile) => new()
    {
        Rank = rank,
        WorldSize = ranks,
        LocalRank = rank,
        LocalWorldSize = ranks,
        RendezvousFile = rendezvousFile,
        JoinTimeout = TimeSpan.FromSeconds(20),
    };
}
