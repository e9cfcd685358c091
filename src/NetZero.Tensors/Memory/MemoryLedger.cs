namespace NetZero.Tensors;

/// <summary>Live and peak bytes of one rank by <see cref="MemoryKind"/>.</summary>
/// <remarks>
/// Bytes are counted as requested, rounded up to 64, never what a cache holds back. Only the rank's own thread allocates, at points that the
/// program fixes, so peaks do not depend on timing.
/// </remarks>
public sealed class MemoryLedger
{
    /// <summary>Requests are rounded up to this many bytes: one cache line, and what the widest vectors want for alignment.</summary>
    public const int GranuleBytes = 64;

    /// <summary>How many kinds there are.</summary>
    public static int KindCount { get; } = Enum.GetValues<MemoryKind>().Length;

    private readonly long[] _live = new long[KindCount];
    private readonly long[] _peak = new long[KindCount];
    private readonly long[] _atTotalPeak = new long[KindCount];
    private readonly long[] _atLapPeak = new long[KindCount];
    private long _lapPeakBytes;

    /// <summary>Opens a ledger; <paramref name="budgetBytes"/> of 0 is no limit.</summary>
    public MemoryLedger(long budgetBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(budgetBytes);
        BudgetBytes = budgetBytes;
    }

    /// <summary>The most bytes that may live at once; 0 is no limit.</summary>
    public long BudgetBytes { get; }

    /// <summary>Bytes that live now, over all kinds.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>The peak of the sum over kinds (not the sum of the kinds' peaks, which occur at different moments).</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Bytes of one kind that live now.</summary>
    public long Live(MemoryKind kind) => _live[(int)kind];

    /// <summary>The peak of one kind.</summary>
    public long Peak(MemoryKind kind) => _peak[(int)kind];

    /// <summary>Bytes of one kind at the moment of the peak of the sum.</summary>
    public long AtPeak(MemoryKind kind) => _atTotalPeak[(int)kind];

    /// <summary>Live bytes of every kind, indexed by kind.</summary>
    public long[] Snapshot() => [.. _live];

    /// <summary>Peak bytes of every kind, indexed by kind.</summary>
    public long[] PeakSnapshot() => [.. _peak];

    /// <summary>Starts new peaks from what lives now.</summary>
    public void ResetPeaks()
    {
        PeakBytes = LiveBytes;
        _live.CopyTo(_peak, 0);
        _live.CopyTo(_atTotalPeak, 0);
    }

    /// <summary>Ends a lap, the stretch since the last call, and begins the next: gives the bytes of every kind at the lap's highest moment. The peaks stay.</summary>
    /// <remarks>So a timeline sees what rose and fell between two of its points.</remarks>
    public KindBytes TakeLap()
    {
        var highest = new KindBytes(_atLapPeak, _lapPeakBytes);
        _lapPeakBytes = LiveBytes;
        _live.CopyTo(_atLapPeak, 0);
        return highest;
    }

    /// <summary>The bytes that a request is counted as.</summary>
    public static long Round(long bytes) => (bytes + GranuleBytes - 1) & -GranuleBytes;

    /// <summary>What lives now by kind, such as <c>parameter 512, activation 64</c>.</summary>
    internal string DescribeLive() => LiveBytes == 0 ? "nothing" : string.Join(", ", Enum.GetValues<MemoryKind>()
        .Where(kind => Live(kind) > 0)
        .Select(kind => $"{kind.ToString().ToLowerInvariant()} {Live(kind):N0}"));

    /// <summary>Refuses what the budget does not hold.</summary>
    /// <exception cref="MemoryBudgetExceededException">The budget would be exceeded.</exception>
    internal void CheckBudget(MemoryKind kind, long bytes)
    {
        if (BudgetBytes > 0 && LiveBytes + bytes > BudgetBytes)
            throw new MemoryBudgetExceededException(this, kind, bytes);
    }

    /// <exception cref="OverflowException">More bytes would live than can be counted: a plan on Meta may ask for any number.</exception>
    internal void Add(MemoryKind kind, long bytes)
    {
        if (bytes > long.MaxValue - LiveBytes)
            throw new OverflowException($"{bytes:N0} bytes of {kind.ToString().ToLowerInvariant()} beside the {LiveBytes:N0} that live are more than can be counted.");
        LiveBytes += bytes;
        var live = _live[(int)kind] += bytes;
        if (live > _peak[(int)kind])
            _peak[(int)kind] = live;
        if (LiveBytes > _lapPeakBytes)
        {
            _lapPeakBytes = LiveBytes;
            _live.CopyTo(_atLapPeak, 0);
        }

        if (LiveBytes > PeakBytes)
        {
            PeakBytes = LiveBytes;
            _live.CopyTo(_atTotalPeak, 0);
        }
    }

    internal void Remove(MemoryKind kind, long bytes)
    {
        LiveBytes -= bytes;
        _live[(int)kind] -= bytes;
    }
}
