using System.Text.Json;
using System.Text.Json.Serialization;

namespace NetZero.Planning;

/// <summary>The fitted constants: one factor a device, one profile a system, and the constant MFU of each device that predictions are compared with.</summary>
public sealed record Calibration
{
    private const string Resource = "NetZero.Planning.calibration.json";

    /// <summary>What was fitted on what.</summary>
    public required string Origin { get; init; }

    /// <summary>What training reaches, by device; a device without rows has the medians.</summary>
    public required IReadOnlyDictionary<string, DeviceFactors> Devices { get; init; }

    /// <summary>The profiles; the first one, without sources, is for systems that are not listed.</summary>
    public required IReadOnlyList<ImplementationProfile> Profiles { get; init; }

    /// <summary>The constants that NetZero ships.</summary>
    public static Calibration Shipped { get; } = Load();

    /// <summary>The factors of a device.</summary>
    public DeviceFactors Device(string name) => Devices.TryGetValue(name, out var factors)
        ? factors
        : new DeviceFactors(
            Devices.Values.Select(device => device.Matmul).Order().ElementAt(Devices.Count / 2),
            Devices.Values.Select(device => device.Attention).Order().ElementAt(Devices.Count / 2));

    /// <summary>The profile of that name.</summary>
    /// <exception cref="ArgumentException">No such profile; the nearest name is given.</exception>
    public ImplementationProfile Profile(string name) => Profiles.FirstOrDefault(profile => profile.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException(UnknownName.Message("profile", name, Profiles.Select(profile => profile.Name)));

    /// <summary>The profile of the system that a source ran: the one whose sources name it most precisely.</summary>
    /// <param name="source">Where the figures were published.</param>
    /// <param name="strategy">How states and work were divided: some sources compare two systems.</param>
    public ImplementationProfile ForSource(string source, string strategy) =>
        (from profile in Profiles
         from known in profile.Sources
         where source.StartsWith(known, StringComparison.OrdinalIgnoreCase)
            && (profile.Strategy is null || strategy.Contains(profile.Strategy, StringComparison.OrdinalIgnoreCase))
         orderby known.Length + (profile.Strategy?.Length ?? 0) descending
         select profile).FirstOrDefault() ?? Profiles[0];

    /// <summary>As indented JSON, which <see cref="Parse"/> reads.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CalibrationJson.Default.Calibration);

    /// <summary>Reads constants.</summary>
    /// <exception cref="ArgumentException">Text that is no calibration.</exception>
    public static Calibration Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, CalibrationJson.Default.Calibration) ?? throw new ArgumentException("no calibration");
        }
        catch (JsonException problem)
        {
            throw new ArgumentException($"calibration: {problem.Message.ReplaceLineEndings(" ")}", problem);
        }
    }

    private static Calibration Load()
    {
        using var stream = typeof(Calibration).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Calibration))]
internal sealed partial class CalibrationJson : JsonSerializerContext;
