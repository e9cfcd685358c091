using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Bytes of one rank by <see cref="MemoryKind"/>, and of all kinds together.</summary>
public sealed class KindBytes
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
    ];

    /// <summary>The peaks that a ledger counted so far.</summary>
    public static KindBytes PeakOf(MemoryLedger ledger) => new(ledger.PeakSnapshot(), ledger.PeakBytes);
}
