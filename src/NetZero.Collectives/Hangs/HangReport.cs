using System.Globalization;
using System.Text.Json;

namespace NetZero.Collectives;

/// <summary>What all ranks called last, and who holds the others up.</summary>
/// <remarks>A rank that waits too long or meets another call ends with one; the launcher writes it, and <c>netzero doctor --dump</c> makes it of a live job.</remarks>
public sealed record HangReport
{
    /// <summary>In one line, what is wrong.</summary>
    public required string Cause { get; init; }

    /// <summary>The ranks that are missing or that made another call; empty when nobody holds anybody up.</summary>
    public required IReadOnlyList<int> Blamed { get; init; }

    /// <summary>The ranks whose records could be read, in their order.</summary>
    public required IReadOnlyList<RankHistory> Ranks { get; init; }

    /// <summary>Finds out from the records alone whether somebody holds the others up.</summary>
    /// <remarks>
    /// In each group the newest call that a rank waits in is held against what the others called last there: ranks that have not come to it are behind,
    /// and ranks that came with something else differ (the fewer of them, when most agree).
    /// </remarks>
    public static HangReport Of(IReadOnlyList<RankHistory> ranks)
    {
        ArgumentNullException.ThrowIfNull(ranks);
        foreach (var group in ranks.SelectMany(rank => rank.Calls).Select(call => (call.Group, call.GroupId)).Distinct())
        {
            // Sends and receives concern two ranks only, and each pair counts its own.
            (RankHistory Rank, HistoryEntry Last)[] latest =
            [
                .. ranks.Select(rank => (rank, rank.Calls.LastOrDefault(call => (call.Group, call.GroupId) == group && !call.IsPair)))
                    .Where(pair => pair.Item2.Group is not null),
            ];
            if (latest.Length == 0)
                continue;
            var newest = latest.Max(pair => pair.Last.Sequence);
            (RankHistory Rank, HistoryEntry Last)[] arrived = [.. latest.Where(pair => pair.Last.Sequence == newest)];
            if (Array.TrueForAll(arrived, pair => pair.Last.Seconds is not null))
                continue;
            var behind = latest.Where(pair => pair.Last.Sequence < newest).ToList();
            if (behind.Count > 0)
            {
                return new HangReport
                {
                    Cause = $"{Names(arrived)} in {arrived[0].Last}; not there: "
                        + string.Join("; ", behind.Select(pair => $"{pair.Rank.Name}, {pair.Rank.LastCall}")),
                    Blamed = [.. behind.Select(pair => pair.Rank.Rank)],
                    Ranks = ranks,
                };
            }

            var kinds = arrived.GroupBy(pair => (pair.Last.Operation, pair.Last.Unit, pair.Last.Elements, pair.Last.Bytes)).OrderBy(kind => kind.Count()).ToList();
            if (kinds.Count > 1)
            {
                return new HangReport
                {
                    Cause = "ranks disagree: " + string.Join("; ", kinds.Select(kind => $"{Names(kind)} in {kind.First().Last}")),
                    Blamed = [.. (kinds[0].Count() < kinds[1].Count() ? kinds[0] : arrived.AsEnumerable()).Select(pair => pair.Rank.Rank)],
                    Ranks = ranks,
                };
            }
        }

        return new HangReport { Cause = "no rank waits for another one", Blamed = [], Ranks = ranks };
    }

    /// <summary>Writes the report for people.</summary>
    /// <param name="output">Where.</param>
    /// <param name="calls">How many of each rank's latest calls.</param>
    public void WriteText(TextWriter output, int calls = int.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.WriteLine(Cause.ReplaceLineEndings(" "));
        foreach (var rank in Ranks.OrderByDescending(rank => Blamed.Contains(rank.Rank)).ThenBy(rank => rank.Rank))
        {
            output.WriteLine();
            output.WriteLine($"{rank.Name}{(Blamed.Contains(rank.Rank) ? " holds the others up" : "")}; {(rank.Calls.Count == 0 ? "no calls" : "latest call first:")}");
            foreach (var call in rank.Calls.Reverse().Take(calls))
                output.WriteLine($"  {call}{(call.Seconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $", took {1e3 * seconds:0.###} ms") : "")}");
        }
    }

    /// <summary>Writes the same for programs, as one object.</summary>
    public void WriteJson(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteString("cause", Cause);
        json.WriteStartArray("blamed_ranks");
        foreach (var rank in Blamed)
            json.WriteNumberValue(rank);
        json.WriteEndArray();
        json.WriteStartArray("ranks");
        foreach (var rank in Ranks)
        {
            json.WriteStartObject();
            json.WriteNumber("rank", rank.Rank);
            json.WriteNumber("process", rank.ProcessId);
            json.WriteString("state", rank.State);
            json.WriteStartArray("calls");
            foreach (var call in rank.Calls)
                Write(json, call);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, in HistoryEntry call)
    {
        json.WriteStartObject();
        json.WriteString("group", call.Group);
        json.WriteNumber("sequence", call.Sequence);
        json.WriteString("operation", call.Operation.ToString());
        json.WriteString("unit", call.Unit);
        json.WriteNumber("elements", call.Elements);
        json.WriteNumber("bytes", call.Bytes);
        if (call.Peer >= 0)
            json.WriteNumber("peer", call.Peer);
        json.WriteString("call_site", call.Site.ToString());
        json.WriteNumber("seconds_ago", Math.Round(call.SecondsAgo, 6));
        if (call.Seconds is { } seconds)
            json.WriteNumber("seconds", Math.Round(seconds, 9));
        json.WriteEndObject();
    }

    private static string Names(IEnumerable<(RankHistory Rank, HistoryEntry Last)> ranks)
    {
        int[] all = [.. ranks.Select(pair => pair.Rank.Rank)];
        return all.Length == 1 ? $"rank {all[0]} waits" : $"ranks {string.Join(", ", all)} wait";
    }
}
