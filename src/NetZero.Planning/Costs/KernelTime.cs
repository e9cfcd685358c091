using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>Seconds of NetZero's own kernels and collectives on a rank of a cluster: as measured where the device was, by the roofline elsewhere.</summary>
/// <remarks>
/// The roofline with both sides added, as in <see cref="MatmulTime"/>: FLOP over what products reach, plus bytes over the memory's bandwidth. On a host ranks that
/// are more than its cores take turns.
/// </remarks>
internal sealed class KernelTime
{
    private readonly ClusterDescription _cluster;
    private readonly ImplementationProfile _profile;
    private readonly DeviceUse? _use;
    private readonly double _turns;
    private readonly double _productsPerPeak;

    /// <summary>Costs on one of <paramref name="ranks"/> ranks.</summary>
    /// <exception cref="ArgumentException">The device was not measured with as many threads.</exception>
    public KernelTime(ClusterDescription cluster, int ranks, int threads, ImplementationProfile profile)
    {
        _cluster = cluster;
        _profile = profile;
        _use = cluster.Device.Use(ranks, threads);
        _turns = IsHost ? Math.Max(1, (double)ranks * threads / cluster.DevicesPerNode) : 1;
        _productsPerPeak = cluster.Device.MatmulFraction * (IsHost ? threads : profile.Matmul);
    }

    /// <summary>Whether ranks compute, call and communicate on the same threads.</summary>
    public bool IsHost => _cluster.Device.IsHost;

    /// <summary>Seconds of reading tokens.</summary>
    public double Load(double tokens) => tokens * (_use?.LoadSecondsPerToken ?? 0) * _turns;

    /// <summary>Seconds of a step beside its events.</summary>
    public double Step => _use is { } use ? use.StepSeconds * _turns : _profile.StepSeconds;

    /// <summary>Seconds of one kernel call, without what calling costs.</summary>
    /// <exception cref="ArgumentException">The device has no products of the call's type.</exception>
    public double Of(KernelLaunch launch)
    {
        if (_use?.Rate(launch.Kernel, launch.DType) is { } rate)
            return _turns * rate.Of(launch.Work);
        var moved = launch.Work.Bytes / _cluster.Device.MemoryBytesPerSecond;
        return _turns * (launch.Work.Flops > 0 ? moved + (launch.Work.Flops / (_cluster.Device.Peak(launch.DType) * _productsPerPeak)) : moved);
    }

    /// <summary>Seconds of a stretch of kernel calls: on a host calls and kernels follow each other, elsewhere the slower of the two decides.</summary>
    public double Of(IReadOnlyCollection<KernelLaunch> launches)
    {
        var kernels = launches.Sum(launch => Of(launch));
        var calls = _turns * launches.Count * (_use?.LaunchSeconds ?? _cluster.Device.LaunchSeconds);
        return IsHost ? kernels + calls : Math.Max(kernels, calls);
    }

    /// <summary>Seconds of a collective, and what it passes through.</summary>
    public (Lane Lane, double Seconds) Of(ScheduledMessage message)
    {
        var inNode = IsHost ? message.Ranks : Math.Min(message.Ranks, message.RanksInNode);
        var lane = message.Ranks <= inNode ? Lane.Inside : Lane.Network;
        return _use?.Rate(message.Operation.ToString(), DType.F32) is { } rate
            ? (lane, _turns * rate.Of(new KernelWork(0, message.WireBytes)))
            : (lane, ProfiledLinks.Of(_cluster, _profile).Of(message.Operation, message.Bytes, message.Ranks, inNode));
    }
}

/// <summary>A collective of a schedule, as its cost depends on it.</summary>
/// <param name="Operation">What is done.</param>
/// <param name="Bytes">Bytes of the whole message.</param>
/// <param name="WireBytes">Bytes that a rank sends.</param>
/// <param name="Ranks">How many take part.</param>
/// <param name="RanksInNode">How many of those can be on one node.</param>
internal readonly record struct ScheduledMessage(CollectiveOperation Operation, double Bytes, double WireBytes, int Ranks, int RanksInNode);
