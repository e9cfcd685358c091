using NetZero.Sharding;

namespace NetZero.Planning;

/// <summary>What a training step of NetZero's own is predicted to hold, exactly, and to take on a cluster.</summary>
/// <param name="Sharding">Units, events and bytes of one rank.</param>
/// <param name="Cluster">The machines.</param>
/// <param name="Time">The step's time.</param>
/// <param name="TokensPerStep">Tokens of a step over all ranks.</param>
/// <param name="Threads">Threads of each rank.</param>
public sealed record ProgramPlan(ShardingPlan Sharding, ClusterDescription Cluster, StepPrediction Time, double TokensPerStep, int Threads)
{
    /// <summary>Tokens per second of all ranks.</summary>
    public double TokensPerSecond => TokensPerStep / Time.StepSeconds;

    /// <summary>Bytes that a rank can have: the device's, or its part of a host's, which its ranks share.</summary>
    public long BytesOfRank => Cluster.Device.IsHost ? Cluster.Device.MemoryBytes / Sharding.Ranks : Cluster.Device.MemoryBytes;

    /// <summary>Whether the peak fits.</summary>
    public bool Fits => Sharding.Highest.Total <= BytesOfRank;

    /// <summary>The event at or before which the peak occurs, as its place in <see cref="ShardingPlan.Points"/>; -1 is before the step.</summary>
    public int PeakEvent
    {
        get
        {
            for (var i = 0; i < Sharding.Points.Count; i++)
                if (Sharding.Points[i].Highest.Total == Sharding.Highest.Total)
                    return i;
            return -1;
        }
    }

    /// <summary>When the peak occurs, in words.</summary>
    public string PeakMoment
    {
        get
        {
            if (PeakEvent < 0)
                return "between steps";
            var e = Sharding.Points[PeakEvent].Event;
            var unit = Sharding.Schedule.Units[e.Unit].Name;
            return e.Kind switch
            {
                ScheduleEventKind.ForwardEnd => $"in the forward pass of {unit}",
                ScheduleEventKind.BackwardEnd => $"in the backward pass of {unit}",
                ScheduleEventKind.RecomputeEnd => $"while {unit} is computed again",
                ScheduleEventKind.Forward => $"when the forward pass of {unit} begins",
                ScheduleEventKind.Backward => $"when the backward pass of {unit} begins",
                _ => $"at {e.Kind} of {unit}",
            } + (Sharding.Schedule.MicroBatches > 1 ? $", micro-batch {e.MicroBatch}" : "");
        }
    }

    /// <summary>What most of the step's time goes to.</summary>
    public string LimitedBy => new[]
    {
        (Time.ComputeSeconds, "compute"), (Time.ExposedSeconds, "communication"), (Time.UpdateSeconds, "the update"), (Time.LoadSeconds, "reading the text"),
    }.MaxBy(part => part.Item1).Item2;
}
