using System.Diagnostics;
using NetZero.Planning;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>Adds up how long each kernel's calls took.</summary>
internal sealed class KernelTotals : IKernelObserver
{
    private readonly Dictionary<(string Kernel, DType DType), long> _ticks = [];

    public void OnLaunch(in KernelLaunch launch) =>
        _ticks[(launch.Kernel, launch.DType)] = _ticks.GetValueOrDefault((launch.Kernel, launch.DType)) + launch.End - launch.Start;

    /// <summary>Seconds of one step of <paramref name="steps"/>, by the names that descriptions of machines have for kernels.</summary>
    public IReadOnlyDictionary<string, double> PerStep(int steps) => _ticks
        .GroupBy(pair => DeviceUse.NameOf(pair.Key.Kernel, pair.Key.DType))
        .ToDictionary(group => group.Key, group => (double)group.Sum(pair => pair.Value) / Stopwatch.Frequency / steps);
}
