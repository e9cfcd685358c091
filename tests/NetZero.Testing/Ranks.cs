using NetZero.Collectives;

namespace NetZero.Testing;

/// <summary>Runs ranks as threads in a test: with a short timeout, so that a hang fails in seconds and by name.</summary>
public static class Ranks
{
    /// <summary>Enough for a loaded machine, short enough that a hang does not hold up a test run.</summary>
    public static readonly WorldOptions Options = new() { Timeout = TimeSpan.FromSeconds(20) };

    public static void Run(int ranks, Action<RankContext> program, WorldOptions? options = null) =>
        World.RunAsync(ranks, rank =>
        {
            program(rank);
            return Task.CompletedTask;
        }, options ?? Options).GetAwaiter().GetResult();

    public static T[] Run<T>(int ranks, Func<RankContext, T> program, WorldOptions? options = null) =>
        World.RunAsync(ranks, rank => Task.FromResult(program(rank)), options ?? Options).GetAwaiter().GetResult();
}
