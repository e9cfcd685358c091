using System.Text.Json;

namespace NetZero.Tensors;

/// <summary>Bytes of one rank by <see cref="MemoryKind"/>, and of all kinds together.</summary>
public sealed class KindBytes : IEquatable<KindBytes>
{
    private readonly long[] _byKind;

    /// <summary>Takes what a ledger counted.</summary>
    /// <param name="byKind">Bytes of each kind, indexed by kind.</param>
    /// <param name="total">Bytes of all kinds at one moment. For peaks that is less than the sum of the kinds' peaks.</param>
    /// <exception cref="ArgumentException">There is not one number for each kind.</exception>
    public KindBytes(ReadOnlySpan<long> byKind, long total)
    {
        if (byKind.Length != MemoryLedger.KindCount)
            throw new ArgumentException($"Found {byKind.Length} numbers, expected one for each of {MemoryLedger.KindCount} kinds.", nameof(byKind));
        _byKind = byKind.ToArray();
        Total = total;
    }

    /// <summary>Bytes of one kind.</summary>
    public long this[MemoryKind kind] => _byKind[(int)kind];

    /// <summary>Bytes of all kinds at one moment.</summary>
    public long Total { get; }

    /// <summary>The kinds with their names in files and on screen, in the order in which they are written.</summary>
    public static IReadOnlyList<(MemoryKind Kind, string Name)> Names { get; } =
    [
        (MemoryKind.Parameter, "parameter"),
        (MemoryKind.Gathered, "gathered"),
        (MemoryKind.Gradient, "gradient"),
        (MemoryKind.Optimizer, "optimizer"),
        (MemoryKind.Activation, "activation"),
        (MemoryKind.Communication, "communication"),
        (MemoryKind.Workspace, "workspace"),
        (MemoryKind.Snapshot, "snapshot"),
    ];

    /// <summary>What a ledger counts as alive now.</summary>
    public static KindBytes LiveOf(MemoryLedger ledger) => new(ledger.Snapshot(), ledger.LiveBytes);

    /// <summary>The peaks that a ledger counted so far.</summary>
    public static KindBytes PeakOf(MemoryLedger ledger) => new(ledger.PeakSnapshot(), ledger.PeakBytes);

    /// <summary>Writes an object: each kind by its name, and <c>total</c>.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        foreach (var (kind, name) in Names)
            json.WriteNumber(name, this[kind]);
        json.WriteNumber("total", Total);
        json.WriteEndObject();
    }

    /// <summary>The same as a property.</summary>
    public void WriteTo(Utf8JsonWriter json, string name)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WritePropertyName(name);
        WriteTo(json);
    }

    /// <summary>Whether all numbers are equal.</summary>
    public bool Equals(KindBytes? other) => other is not null && Total == other.Total && _byKind.AsSpan().SequenceEqual(other._byKind);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as KindBytes);

    /// <inheritdoc/>
    public override int GetHashCode() => Total.GetHashCode();

    /// <summary>The kinds that have bytes, such as <c>parameter 1.00 MiB, gradient 512 KiB; together 1.50 MiB</c>.</summary>
    public override string ToString() =>
        string.Join(", ", Names.Where(kind => this[kind.Kind] > 0).Select(kind => $"{kind.Name} {ByteSize.Show(this[kind.Kind])}")) + $"; together {ByteSize.Show(Total)}";
}
