using NetZero.Tensors;

namespace NetZero.Sharding;

/// <summary>Writes down what lives on a rank after each event, as the ledger counts it.</summary>
internal sealed class MemoryTimeline : IScheduleObserver
{
    private readonly MemoryLedger _ledger;
    private readonly List<MemoryPoint> _points = [];

    /// <summary>Begins with what lives now.</summary>
    public MemoryTimeline(MemoryLedger ledger)
    {
        _ledger = ledger;
        _ledger.TakeLap();
        Before = KindBytes.LiveOf(ledger);
    }

    /// <summary>What lived before the first event.</summary>
    public KindBytes Before { get; }

    /// <summary>A point for each event so far.</summary>
    public IReadOnlyList<MemoryPoint> Points => _points;

    public void OnEvent(in ScheduleRecord record) => _points.Add(new MemoryPoint(record.Event, KindBytes.LiveOf(_ledger), _ledger.TakeLap()));
}

/// <summary>The memory of a rank around one event.</summary>
/// <param name="Event">The event.</param>
/// <param name="Live">What lives after it.</param>
/// <param name="Highest">What lived at the highest moment since the event before it, this event included.</param>
public sealed record MemoryPoint(ScheduleEvent Event, KindBytes Live, KindBytes Highest);
