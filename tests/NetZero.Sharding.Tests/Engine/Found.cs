using NetZero.Collectives;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>What ranks that part were told, and what they must have been told.</summary>
/// <param name="Told">What each rank was told; null for one that ended well.</param>
/// <param name="Seconds">From the divergence to the last rank's error.</param>
internal sealed record Found(Told?[] Told, double Seconds)
{
    /// <summary>How long a wait lasts where a rank is late.</summary>
    public static readonly TimeSpan ShortTimeout = TimeSpan.FromMilliseconds(400);

    private const int Odd = DivergingRanks.Odd;

    // What users are promised, from the conflicting call or the leaving to the last rank's error.
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(2);

    public void IsADifferentUnit(int stage)
    {
        var operation = stage == 0 ? "AllReduce" : "ReduceScatter";
        AllName<CollectiveMismatchException>(
            $"rank {Odd} called {operation} #", "of 'blocks.0'", $"called {operation} #", "of 'blocks.1'", "in group 'world'");
    }

    // The schedule is the same on every rank, so what is run out of order is seen before it makes a call.
    public void IsAnotherOrder(int stage)
    {
        var next = stage switch { 0 => "AllReduce", 3 => "AllGather", _ => "ReduceScatter" };
        AllName<InvalidOperationException>(
            "reached Forward of unit 'blocks.1' where the schedule declares Forward of unit 'blocks.0'",
            $"Rank {Odd} made {(stage == 0 ? "AllReduceScalars" : "AllGather")} #",
            $"of '{(stage == 0 ? "gradient norm" : "blocks.1")}' in group 'world' last",
            $"the schedule's next call is {next} of 'blocks.1' in group 'world'",
            ". Rank 0 (process ", "): its last call was ");
        for (var rank = 0; rank < Told.Length; rank++)
            if (rank != Odd)
                Assert.StartsWith($"Rank {Odd} failed: ", Told[rank]!.Message, StringComparison.Ordinal);
    }

    public void IsOneCallFewer(int stage) => AllName<CollectiveMismatchException>(
        "called AllReduceScalars #", "of 'gradient norm'", $"rank {Odd} called ", stage == 0 ? "AllReduce #" : "AllGather #",
        stage == 0 ? "of 'blocks.1'" : "of 'root'");

    // The first group is a step ahead: where it reduces its next gradients over the replicas, the other still waits with its norm.
    public void IsAGroupWithoutTheNorm() => AllName<CollectiveMismatchException>(
        "in group 'replicate'", "called AllReduceScalars #", "of 'gradient norm'", "called AllReduce #", "of 'blocks.1'");

    public void IsALeaving(int stage)
    {
        var awaited = stage switch { 0 => "AllReduce #", 3 => "AllGather #", _ => "ReduceScatter #" };
        Assert.Null(Told[Odd]);
        AllName<PeerLeftException>(
            $"ank {Odd} has finished its program, but rank ", $" waits for it in {awaited}", stage == 3 ? "of 'root'" : "of 'blocks.1'",
            stage is 1 or 2 ? "its last call was AllGather #" : "its last call was AllReduceScalars #");
        for (var rank = 0; rank < Told.Length; rank++)
            if (Told[rank] is { } told && told.Is<PeerLeftException>())
                Assert.Contains($"but rank {rank} waits for it in {awaited}", told.Message, StringComparison.Ordinal);
    }

    public void IsLate(int stage)
    {
        AllName<CollectiveTimeoutException>(
            $"waited {ShortTimeout.TotalSeconds:0.###} s in ", $" for rank {Odd} (", ": its last call was ",
            stage == 3 ? "of 'root'" : "of 'blocks.1'");
        Assert.InRange(Seconds, ShortTimeout.TotalSeconds * 0.9, ShortTimeout.TotalSeconds + Promptly.TotalSeconds);
    }

    // One rank at least has an error of this type, and each that failed was told all of these texts: itself, or as the reason of
    // another's failure.
    private void AllName<TError>(params string[] texts)
        where TError : Exception
    {
        Assert.Contains(Told, told => told is not null && told.Is<TError>());
        foreach (var told in Told.OfType<Told>())
            foreach (var text in texts)
                Assert.Contains(text, told.Message, StringComparison.Ordinal);
        Assert.All(Told.OfType<Told>(), told => Assert.True(told.Is<TError>() || told.Is<PeerFailedException>(), told.Type));
        Assert.True(Told.Count(told => told is not null) >= Told.Length - 1, "every rank that went on is told");
        if (typeof(TError) != typeof(CollectiveTimeoutException))
            Assert.InRange(Seconds, 0, Promptly.TotalSeconds);
    }
}

/// <summary>An error that a rank ended with.</summary>
/// <param name="Type">The full name of its type.</param>
/// <param name="Message">Its message.</param>
internal sealed record Told(string Type, string Message)
{
    public static Told Of(Exception error) => new(error.GetType().FullName!, error.Message);

    public bool Is<TError>() => Type == typeof(TError).FullName;
}
