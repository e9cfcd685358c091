using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>What ranks tell each other in each step of a run: whether to stop or to save, how long each waited for others, and its memory.</summary>
/// <remarks>
/// Note: sums. A flag is seen where anybody has set it. A rank's own numbers have a place for each rank, in which the others have zeros, so their sums are exact.
/// </remarks>
internal sealed class RankNews : ITold
{
    // Kinds and their sum, at the peak and in the steady state, and what the formula says; before them, the wait.
    private static readonly int Kinds = MemoryLedger.KindCount + 1;
    private static readonly int EachRank = 2 + (2 * Kinds);

    private const int Flags = 2;

    private readonly CallRecorder _recorder;
    private readonly int _rank;
    private double _waitedBefore;
    private double _waited;

    /// <summary>Begins with the first step.</summary>
    public RankNews(RankContext rank) => (_recorder, _rank, Count) = (rank.Group.Recorder, rank.Rank, CountOf(rank.WorldSize));

    /// <inheritdoc/>
    public int Count { get; }

    /// <summary>Whether this rank was asked to stop.</summary>
    public required Func<bool> Stop { get; init; }

    /// <summary>Whether this rank finds that it is time to save.</summary>
    public required Func<bool> Save { get; init; }

    /// <summary>This rank's memory.</summary>
    public required Func<RankMemory> Memory { get; init; }

    /// <summary>As many numbers, of a rank that has nothing to tell: for plans and measurements of a run's steps.</summary>
    public static ITold Silent(int ranks) => new Silence(CountOf(ranks));

    /// <summary>Waits from here on are those of steps; what came before belongs to a save or an evaluation. Called where no step is under way.</summary>
    public void BeginStep() => _waitedBefore = _recorder.WaitSeconds;

    /// <summary>A step was enqueued. What this rank waited for in the last reduction counts in the next step, because that one carries the numbers.</summary>
    public void EndStep()
    {
        var now = _recorder.WaitSeconds;
        (_waited, _waitedBefore) = (_waited + now - _waitedBefore, now);
    }

    /// <inheritdoc/>
    public void Tell(Span<double> numbers)
    {
        numbers[0] = Stop() ? 1 : 0;
        numbers[1] = Save() ? 1 : 0;
        var own = numbers.Slice(Flags + (_rank * EachRank), EachRank);
        var (memory, now) = (Memory(), _recorder.WaitSeconds);
        (own[0], _waited, _waitedBefore) = (_waited + now - _waitedBefore, 0, now);
        Write(memory.Peak, own[1..]);
        Write(memory.Steady, own[(1 + Kinds)..]);
        own[^1] = memory.ModelStateBytesExpected;
    }

    /// <summary>Every rank's memory, on every rank, outside of steps.</summary>
    public RankMemory[] ShareMemory(ProcessGroup group)
    {
        var sums = new double[Count];
        Tell(sums);
        group.AllReduce("memory", sums, ReduceOp.Sum);
        return MemoryIn(sums);
    }

    /// <summary>What any rank asks for.</summary>
    public static (bool Stop, bool Save) AskedIn(ReadOnlySpan<double> sums) => (sums[0] > 0, sums[1] > 0);

    /// <summary>How long each rank waited for others; nothing of a rank that is alone.</summary>
    public static double[] WaitsIn(ReadOnlySpan<double> sums)
    {
        var waits = new double[RanksIn(sums)];
        for (var rank = 0; rank < waits.Length; rank++)
            waits[rank] = Of(rank, sums)[0];
        return waits.Length == 1 ? [] : waits;
    }

    /// <summary>The memory of each rank.</summary>
    public static RankMemory[] MemoryIn(ReadOnlySpan<double> sums)
    {
        var memory = new RankMemory[RanksIn(sums)];
        for (var rank = 0; rank < memory.Length; rank++)
        {
            var own = Of(rank, sums);
            memory[rank] = new RankMemory(rank, Read(own.Slice(1, Kinds)), Read(own.Slice(1 + Kinds, Kinds)), (long)own[^1]);
        }

        return memory;
    }

    private static int RanksIn(ReadOnlySpan<double> sums) => (sums.Length - Flags) / EachRank;

    private static ReadOnlySpan<double> Of(int rank, ReadOnlySpan<double> sums) => sums.Slice(Flags + (rank * EachRank), EachRank);

    private static void Write(KindBytes bytes, Span<double> numbers)
    {
        for (var kind = 0; kind < MemoryLedger.KindCount; kind++)
            numbers[kind] = bytes[(MemoryKind)kind];
        numbers[MemoryLedger.KindCount] = bytes.Total;
    }

    private static KindBytes Read(ReadOnlySpan<double> numbers)
    {
        Span<long> bytes = stackalloc long[MemoryLedger.KindCount];
        for (var kind = 0; kind < bytes.Length; kind++)
            bytes[kind] = (long)numbers[kind];
        return new KindBytes(bytes, (long)numbers[^1]);
    }

    private static int CountOf(int ranks) => Flags + (ranks * EachRank);

    private sealed class Silence(int count) : ITold
    {
        public int Count => count;

        public void Tell(Span<double> numbers)
        {
        }
    }
}
