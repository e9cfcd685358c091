namespace NetZero.Planning.Fit;

/// <summary>The constants that are fitted, with their priors.</summary>
/// <remarks>
/// Values are fitted as logarithms, so they stay positive. A profile's constant is drawn to a prior, which is that of the profile <c>generic</c> too; so a source with few
/// rows moves few constants, and those little.
/// </remarks>
internal static class Coefficients
{
    private static readonly (string Name, double Prior, double Spread, double Most, Func<ImplementationProfile, double> Get, Func<ImplementationProfile, double, ImplementationProfile> Set)[] _time =
    [
        ("matmul", 0.85, 0.15, 1.1, p => p.Matmul, (p, v) => p with { Matmul = v }),
        ("fp8", 1.5, 0.2, 2, p => p.Fp8, (p, v) => p with { Fp8 = v }),
        ("fp8_rowwise", 1.25, 0.3, 2, p => p.Fp8Rowwise, (p, v) => p with { Fp8Rowwise = v }),
        ("attention", 0.6, 0.3, 1, p => p.Attention, (p, v) => p with { Attention = v }),
        ("traffic", 1.3, 0.6, 10, p => p.Traffic, (p, v) => p with { Traffic = v }),
        ("compiled_traffic", 0.8, 0.6, 10, p => p.CompiledTraffic, (p, v) => p with { CompiledTraffic = v }),
        ("host_launches", 100, 1, 1e4, p => p.HostLaunches, (p, v) => p with { HostLaunches = v }),
        ("step_seconds", 10e-3, 1, 1, p => p.StepSeconds, (p, v) => p with { StepSeconds = v }),
        ("bandwidth", 0.7, 0.25, 1, p => p.Bandwidth, (p, v) => p with { Bandwidth = v }),
        ("network_bandwidth", 0.7, 0.4, 1, p => p.NetworkBandwidth, (p, v) => p with { NetworkBandwidth = v }),
        ("hop", 0.4, 1.2, 20, p => p.Hop, (p, v) => p with { Hop = v }),
        ("contention", 0.15, 0.5, 0.9, p => p.Contention, (p, v) => p with { Contention = v }),
        ("tensor_overlap", 0.15, 0.5, 0.9, p => p.TensorOverlap, (p, v) => p with { TensorOverlap = v }),
        ("update", 1.5, 0.4, 10, p => p.Update, (p, v) => p with { Update = v }),
    ];

    private static readonly (string Name, double Prior, double Spread, double Most, Func<ImplementationProfile, double> Get, Func<ImplementationProfile, double, ImplementationProfile> Set)[] _memory =
    [
        ("kept", 1, 0.25, 4, p => p.Kept, (p, v) => p with { Kept = v }),
        ("compiled_kept", 0.8, 0.25, 4, p => p.CompiledKept, (p, v) => p with { CompiledKept = v }),
        ("kept_per_op", 0.55, 0.3, 1, p => p.KeptPerOp, (p, v) => p with { KeptPerOp = v }),
        ("logit_bytes", 10, 0.4, 40, p => p.LogitBytes, (p, v) => p with { LogitBytes = v }),
        ("fixed_bytes", 0.6e9, 1.5, 2.5e10, p => p.FixedBytes, (p, v) => p with { FixedBytes = v }),
        ("reserved", 1.12, 0.1, 2, p => p.Reserved, (p, v) => p with { Reserved = v }),
    ];

    // Boards at their nominal power; the others are limited, or nobody says.
    private static readonly HashSet<string> _fullPower = ["A100-40GB", "A100-80GB", "A800-80GB", "H100-80GB", "H200-141GB", "B200", "GB200", "GB300"];

    /// <summary>All constants of a calibration that rows can tell something about.</summary>
    public static IReadOnlyList<Coefficient> Of(Calibration start, IReadOnlySet<string> profiles, IReadOnlySet<string> devices, bool memory) =>
    [
        .. memory ? [] : devices.Where(start.Devices.ContainsKey).Select(device => new Coefficient(
            $"{device}/matmul", _fullPower.Contains(device) ? 0.9 : 0.75, 0.3, 1.1,
            calibration => calibration.Devices[device].Matmul, (calibration, value) => WithDevice(calibration, device, calibration.Devices[device] with { Matmul = value }))),
        .. memory ? [] : devices.Where(start.Devices.ContainsKey).Select(device => new Coefficient(
            $"{device}/attention", device.StartsWith("A100", StringComparison.Ordinal) || device.StartsWith("A800", StringComparison.Ordinal) ? 1 : 0.8, 0.2, 1.5,
            calibration => calibration.Devices[device].Attention, (calibration, value) => WithDevice(calibration, device, calibration.Devices[device] with { Attention = value }))),
        .. from profile in start.Profiles
           where profiles.Contains(profile.Name)
           from constant in memory ? _memory : _time
           select new Coefficient(
               $"{profile.Name}:{constant.Name}", constant.Prior, constant.Spread, constant.Most,
               calibration => constant.Get(calibration.Profile(profile.Name)), (calibration, value) => calibration with
               {
                   Profiles = [.. calibration.Profiles.Select(other => other.Name == profile.Name ? constant.Set(other, value) : other)],
               }),
    ];

    private static Calibration WithDevice(Calibration calibration, string device, DeviceFactors factors) =>
        calibration with { Devices = new Dictionary<string, DeviceFactors>(calibration.Devices) { [device] = factors } };
}
