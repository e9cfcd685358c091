using System.Globalization;
using System.Text.RegularExpressions;

namespace NetZero.Planning;

/// <summary>The cluster of a row: a preset by its device, with the links that the row names instead of the preset's.</summary>
internal static partial class PublishedCluster
{
    private const double BytesPerGigabit = 1e9 / 8;

    // Parts of a device's name, however it is written; the first line that fits counts, so H100-96GB is not taken for an H100, nor GH200 for an H200.
    private static readonly (string[] Parts, string Preset)[] _presets =
    [
        (["H100", "96GB", "500W"], "h100-96-500wx8"), (["H100", "PCIE"], "h100-pciex8"), (["H100", "96GB"], "h100-96x8"), (["H100", "94GB"], "h100-96x8"),
        (["GH200"], "gh200"), (["GB300"], "gb300x72"), (["GB200"], "gb200x72"), (["A100", "40GB"], "a100-40x8"), (["RTXPRO6000"], "rtx-pro-6000x8"),
        (["4090"], "rtx4090x4"), (["TPUV6E"], "tpu-v6e"), (["TPUV5P"], "tpu-v5p"), (["MI300X"], "mi300xx8"), (["A800"], "a800x8"), (["H800"], "h800x8"),
        (["H200"], "h200x8"), (["H100"], "h100x8"), (["A100"], "a100x8"), (["B300"], "b300x8"), (["B200"], "b200x8"), (["V100"], "v100-32x8"),
        (["H20"], "h20x8"), (["L40S"], "l40sx8"), (["MI250X"], "mi250xx4"), (["TPUV4"], "tpu-v4"), (["TPUV5E"], "tpu-v5e"),
    ];

    public static ClusterDescription Of(PublishedRow row)
    {

        // What stands in brackets are remarks.
        var letters = string.Concat(row.Device.Split('(')[0].Where(char.IsLetterOrDigit)).ToUpperInvariant();
        var preset = _presets.FirstOrDefault(known => known.Parts.All(part => letters.Contains(part, StringComparison.Ordinal))).Preset
            ?? throw new ArgumentException(
                $"no description of the device '{row.Device}'; known: {string.Join(", ", _presets.Select(known => string.Join('-', known.Parts)))}");
        var cluster = ClusterCatalog.Find(preset);
        if (row.Device.Contains("power limited", StringComparison.OrdinalIgnoreCase))
            cluster = cluster with { Device = cluster.Device with { Name = cluster.Device.Name + " (power limited)" } };
        if (row.Count("nodes") is > 0 and var nodes && row.Count("devices") / nodes is > 0 and var perNode && nodes > 1)
            cluster = cluster with { DevicesPerNode = perNode };
        return NetworkBytes(row.Interconnect, cluster.DevicesPerNode) is { } bytes
            ? cluster with { Network = cluster.Network with { BytesPerSecond = bytes, Origin = row.Interconnect } }
            : cluster;
    }

    // "4x100Gb RoCE per node", "3.2Tb/s per node", "400Gb/s per GPU": bytes per second of one device.
    private static double? NetworkBytes(string interconnect, int devicesPerNode)
    {
        var match = Rate().Match(interconnect);
        if (!match.Success)
            return null;
        var ports = match.Groups["ports"].Success ? int.Parse(match.Groups["ports"].Value, CultureInfo.InvariantCulture) : 1;
        var rate = double.Parse(match.Groups["rate"].Value, CultureInfo.InvariantCulture) * (match.Groups["unit"].Value == "T" ? 1000 : 1);
        var perDevice = match.Groups["of"].Value == "per GPU";
        return ports * rate * BytesPerGigabit / (perDevice ? 1 : devicesPerNode);
    }

    [GeneratedRegex(@"(?:(?<ports>\d+)x)?(?<rate>\d+(?:\.\d+)?)(?<unit>[GT])b(?:/s)?\b.*?(?<of>per GPU|per node|inter-node)", RegexOptions.CultureInvariant)]
    private static partial Regex Rate();
}
