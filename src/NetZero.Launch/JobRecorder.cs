using System.Text.Json;
using NetZero.Collectives;

namespace NetZero.Launch;

/// <summary>The launcher's view of what its ranks call: it maps their segment, so that it can read it also when none of them lives.</summary>
internal sealed class JobRecorder : IDisposable
{
    /// <summary>The report for people.</summary>
    public const string TextFile = "hang-report.txt";

    /// <summary>The report for programs.</summary>
    public const string JsonFile = "hang-report.json";

    private SharedMapping? _mapping;
    private HangReport? _report;

    /// <summary>All ranks have come: rank 0 says where the segment is.</summary>
    public void OnJoined(IReadOnlyList<Hello> ranks)
    {
        if (ranks[0].SegmentPath.Length > 0)
            _mapping = SharedMapping.Open(ranks[0].SegmentPath);
    }

    /// <summary>A rank fails: the records are read while they are as they were.</summary>
    public void OnFailure(int rank, RemoteRankException? said)
    {
        if (_report is not null || said is not { BlamedRanks.Count: > 0 } || _mapping is null)
            return;
        _report = new HangReport
        {
            Cause = $"rank {rank} failed with {said}",
            Blamed = said.BlamedRanks,
            Ranks = new SharedSegment(_mapping).Describe(),
        };
    }

    /// <summary>A rank as the report has it; null where there is none.</summary>
    public RankHistory? Find(int rank) => _report?.Ranks.FirstOrDefault(one => one.Rank == rank);

    /// <summary>What a rank called last, also after its end; null where that is not known.</summary>
    public string? LastCallOf(int rank) => _mapping is null ? null : new SharedSegment(_mapping).AreaOf(rank).Describe(rank).LastCall;

    /// <summary>Writes the report, if there is one.</summary>
    /// <returns>Where the text is.</returns>
    public string? Write(string folder)
    {
        if (_report is null)
            return null;
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, TextFile);
        using (var text = new StreamWriter(path))
            _report.WriteText(text);
        using var stream = File.Create(Path.Combine(folder, JsonFile));
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        _report.WriteJson(json);
        return path;
    }

    public void Dispose() => _mapping?.Dispose();
}
