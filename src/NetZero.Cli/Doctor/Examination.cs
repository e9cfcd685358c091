namespace NetZero.Cli;

/// <summary><c>netzero doctor</c>: facts, and every collective on every transport, as a report that can be pasted into an issue.</summary>
internal static class Examination
{
    // Enough for a median; all transports together take some ten seconds.
    private const double SecondsEach = 0.02;

    /// <summary>Writes the report.</summary>
    /// <returns>Whether everything that is here works.</returns>
    public static async Task<bool> RunAsync(TextWriter output, CancellationToken cancellation)
    {
        var advice = new List<string>();
        foreach (var fact in MachineFacts.Short().Concat(MachineFacts.Further()))
        {
            output.WriteLine($"{fact.Name,-24} {fact.Value}");
            if (fact.Advice is not null)
                advice.Add($"{fact.Name}: {fact.Advice}");
        }

        var works = true;
        output.WriteLine();
        output.WriteLine("Two ranks, messages of 4 KiB and 1 MiB, microseconds in the median:");
        foreach (var transport in CollectiveTransports.All)
            works &= await MeasureAsync(output, transport, advice, cancellation);
        output.WriteLine();
        foreach (var line in advice)
            output.WriteLine($"- {line}");
        output.WriteLine(works ? "everything that is here works" : "something does not work: see above");
        return works;
    }

    private static async Task<bool> MeasureAsync(TextWriter output, CollectiveTransport transport, List<string> advice, CancellationToken cancellation)
    {
        if (transport.Missing() is { } missing)
        {
            output.WriteLine($"{transport.Name,-15} {missing}");
            return true;
        }

        var times = new List<string>();
        try
        {
            var options = new CollectiveBenchmarkOptions(2, 1, SecondsEach, All: true);
            await transport.RunAsync(options, timing =>
            {
                if (timing.Bytes is <= 4096 or >= 1 << 20)
                    times.Add(FormattableString.Invariant($"{timing.Operation}{(timing.Bytes >= 1 << 20 ? " 1 MiB" : "")} {1e6 * timing.Seconds:0.#}"));
            }, cancellation);
            output.WriteLine($"{transport.Name,-15} {string.Join(", ", times)}");
            return times.Count > 0;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            output.WriteLine($"{transport.Name,-15} FAILED");
            advice.Add($"{transport.Name}: {e.Message.ReplaceLineEndings(" ")}");
            return false;
        }
    }
}
