using System.Globalization;

namespace NetZero.Collectives;

/// <summary>One rank in a <see cref="HangReport"/>.</summary>
/// <param name="Rank">The rank.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="State">What the system says about the process: <c>running</c>, <c>sleeping</c>, <c>stopped by a signal</c>, <c>gone</c>; null where it says nothing.</param>
/// <param name="Calls">Its latest calls, oldest first; at most 512.</param>
public sealed record RankHistory(int Rank, int ProcessId, string? State, IReadOnlyList<HistoryEntry> Calls)
{
    /// <summary>Whether the calls are what the rank has called; not if nobody could ask it.</summary>
    public bool IsKnown { get; init; } = true;

    /// <summary>The rank in one phrase: <c>rank 1 (process 4711, stopped by a signal)</c>.</summary>
    public string Name => $"rank {Rank} (process {ProcessId}{(State is null ? "" : $", {State}")})";

    /// <summary>What the rank called last, in one phrase.</summary>
    public string LastCall => Calls is [.., var last] ? $"its last call was {last}"
        : IsKnown ? "it has made no call yet" : "what it called last is not known";

    /// <summary>What the system says about a process of this machine; null where it does not.</summary>
    internal static string? StateOf(int process)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            // proc(5): the state is the first field behind the name, which stands in parentheses and may hold anything.
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/stat"));
            return text[text.LastIndexOf(')') + 2] switch
            {
                'R' => "running",
                'S' => "sleeping",
                'D' => "waiting for a device",
                'T' or 't' => "stopped by a signal",
                _ => "gone",
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "gone";
        }
    }
}
