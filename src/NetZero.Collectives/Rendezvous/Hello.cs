namespace NetZero.Collectives;

/// <summary>How a rank introduces itself.</summary>
/// <param name="Rank">Its rank.</param>
/// <param name="WorldSize">How many ranks it expects.</param>
/// <param name="Job">The job that it belongs to, by the launcher's name for it; empty without a launcher.</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="Machine">Its machine.</param>
/// <param name="SegmentPath">Where the segment is, from rank 0; otherwise empty.</param>
/// <param name="ArenaPath">Where its arena is; empty where ranks do not share memory.</param>
/// <param name="Agreement">What must be the same on every rank, by name.</param>
internal sealed record Hello(
    int Rank, int WorldSize, string Job, int ProcessId, string Machine, string SegmentPath, string ArenaPath,
    IReadOnlyList<KeyValuePair<string, string>> Agreement)
{
    public Frame ToFrame() => Frame.Of(FrameKind.Hello, Write);

    public void Write(BinaryWriter writer)
    {
        writer.Write(Rank);
        writer.Write(WorldSize);
        writer.Write(Job);
        writer.Write(ProcessId);
        writer.Write(Machine);
        writer.Write(SegmentPath);
        writer.Write(ArenaPath);
        writer.Write(Agreement.Count);
        foreach (var (name, value) in Agreement)
        {
            writer.Write(name);
            writer.Write(value);
        }
    }

    public static Hello Read(BinaryReader reader)
    {
        var hello = new Hello(
            reader.ReadInt32(), reader.ReadInt32(), reader.ReadString(), reader.ReadInt32(), reader.ReadString(), reader.ReadString(), reader.ReadString(), []);
        var agreement = new KeyValuePair<string, string>[reader.ReadInt32()];
        for (var i = 0; i < agreement.Length; i++)
            agreement[i] = new(reader.ReadString(), reader.ReadString());
        return hello with { Agreement = agreement };
    }

    /// <summary>In what another rank differs from this one; null if in nothing that matters.</summary>
    public string? DifferenceTo(Hello other)
    {
        var mine = Agreement.ToDictionary(StringComparer.Ordinal);
        var theirs = other.Agreement.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, value) in mine)
        {
            if (!theirs.TryGetValue(name, out var found))
                return $"rank {other.Rank} has no {name}, rank {Rank} has {value}";
            if (found != value)
                return $"rank {other.Rank} has {name} {found}, rank {Rank} has {value}";
        }

        var extra = other.Agreement.FirstOrDefault(pair => !mine.ContainsKey(pair.Key));
        if (extra.Key is not null)
            return $"rank {other.Rank} has {extra.Key} {extra.Value}, rank {Rank} has none";
        return Machine == other.Machine || ArenaPath.Length == 0
            ? null
            : $"rank {Rank} is on '{Machine}', rank {other.Rank} on '{other.Machine}': ranks with shared memory are on one machine; "
                + "over several machines run it with mpirun";
    }
}
