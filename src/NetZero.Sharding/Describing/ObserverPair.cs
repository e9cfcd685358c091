namespace NetZero.Sharding;

/// <summary>Two observers of one schedule, told in this order.</summary>
internal sealed class ObserverPair(IScheduleObserver first, IScheduleObserver second) : IScheduleObserver
{
    public void OnStarting(in ScheduleEvent scheduled, string unit)
    {
        first.OnStarting(scheduled, unit);
        second.OnStarting(scheduled, unit);
    }

    public void OnEvent(in ScheduleRecord record)
    {
        first.OnEvent(record);
        second.OnEvent(record);
    }
}
