namespace NetZero.Collectives.Tests;

/// <summary>A rank as <see cref="LauncherTests"/> launch it: it adds up the ranks' numbers, or does something worse.</summary>
public static class LaunchedRank
{
    /// <summary>How the launcher starts it; behind it stands what it does.</summary>
    public const string Verb = "launched-rank";

    /// <summary>Adds up.</summary>
    public const string Adds = "adds";

    /// <summary>Rank 1 throws, the others wait for it.</summary>
    public const string Throws = "throws";

    /// <summary>Rank 1 ends at once, the others some time later, without it.</summary>
    public const string EndsEarly = "ends-early";

    public static async Task<int> RunAsync(string what)
    {
        try
        {
            await ProcessWorld.RunAsync(WorkerEnvironment.Detect()!, rank => ProgramAsync(rank, what));
            return 0;
        }
        catch (Exception e) when (e is FormatException or PeerFailedException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return e is FormatException ? 7 : 5;
        }
    }

    private static async Task ProgramAsync(RankContext rank, string what)
    {
        double[] sum = [rank.Rank + 1];
        switch (what)
        {
            case Throws when rank.Rank == 1:
                throw new FormatException("broken batch");
            case EndsEarly:
                await Task.Delay(rank.Rank == 1 ? 0 : 500, rank.Cancellation);
                break;
            default:
                rank.Group.AllReduce("sum", sum, ReduceOp.Sum);
                break;
        }

        Console.WriteLine($"{what} {sum[0]}");
    }
}
