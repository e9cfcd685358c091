namespace NetZero.Tensors;

/// <summary>An allocation would have passed the rank's memory budget; nothing was allocated.</summary>
public sealed class MemoryBudgetExceededException : Exception
{
    internal MemoryBudgetExceededException(MemoryLedger ledger, MemoryKind kind, long bytes)
        : base(Describe(ledger, kind, bytes))
    {
        Kind = kind;
        RequestedBytes = bytes;
        BudgetBytes = ledger.BudgetBytes;
    }

    /// <summary>What the memory was wanted for.</summary>
    public MemoryKind Kind { get; }

    /// <summary>How many bytes were wanted.</summary>
    public long RequestedBytes { get; }

    /// <summary>The budget.</summary>
    public long BudgetBytes { get; }

    private static string Describe(MemoryLedger ledger, MemoryKind kind, long bytes) =>
        $"The memory budget of {ledger.BudgetBytes:N0} bytes per rank does not hold {bytes:N0} more bytes of {kind.ToString().ToLowerInvariant()} " +
        $"beside the {ledger.LiveBytes:N0} that live ({ledger.DescribeLive()}); raise memory_budget, add ranks, or lower the micro-batch.";
}
