using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>Runs ranks as threads in a test: with a short timeout, so that a hang fails in seconds and by name, and a leak check.</summary>
public static class Ranks
{
    /// <summary>Enough for a loaded machine, short enough that a hang does not hold up a test run.</summary>
    public static readonly WorldOptions Options = new() { Timeout = TimeSpan.FromSeconds(20) };

    public static void Run(int ranks, Action<RankContext> program, WorldOptions? options = null) => Run(ranks, rank =>
    {
        program(rank);
        return 0;
    }, options);

    public static T[] Run<T>(int ranks, Func<RankContext, T> program, WorldOptions? options = null)
    {
        var ledgers = new MemoryLedger[ranks];
        var results = World.RunAsync(ranks, rank =>
        {
            ledgers[rank.Rank] = rank.Tensors.Ledger;
            return Task.FromResult(program(rank));
        }, options ?? Options).GetAwaiter().GetResult();
        for (var rank = 0; rank < ranks; rank++)
            CheckEmpty(ledgers[rank], rank);
        return results;
    }

    /// <summary>Fails, naming the kinds, when tensor memory outlives its rank.</summary>
    public static void CheckEmpty(MemoryLedger ledger, int rank)
    {
        if (ledger.LiveBytes == 0)
            return;
        var kinds = Enum.GetValues<MemoryKind>().Where(kind => ledger.Live(kind) != 0).Select(kind => $"{kind} {ledger.Live(kind):N0}");
        throw new InvalidOperationException($"Rank {rank} ended with {ledger.LiveBytes:N0} live bytes ({string.Join(", ", kinds)}).");
    }
}
