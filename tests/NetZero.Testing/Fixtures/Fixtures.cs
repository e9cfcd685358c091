using System.Text.Json;
using System.Text.Json.Serialization;

namespace NetZero.Testing;

/// <summary>Files that tests of several rooms compare with, in the output folder of each test project.</summary>
public static class Fixtures
{
    /// <summary>A complete small training run made with PyTorch.</summary>
    public static Gpt2TinyFixture Gpt2Tiny { get; } = new(Path.Combine(AppContext.BaseDirectory, "Fixtures", "gpt2-tiny"));
}

/// <summary>
/// A GPT-2 of 2 layers trained by PyTorch in double and in single precision: starting weights, text, settings, losses before each update,
/// gradient norms before clipping, and sums of the final weights. AdamW with decoupled decay on tensors of two or more dims; sample i is
/// bytes [i T, i T + T] of the text, step s uses samples s B to s B + B - 1.
/// </summary>
public sealed class Gpt2TinyFixture
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    internal Gpt2TinyFixture(string folder)
    {
        Folder = folder;
        Run = Read<Gpt2TinyRun>("run.json");
        Expected = Read<Gpt2TinyExpected>("expected.json");
    }

    /// <summary>A Hugging Face folder: <c>config.json</c> and <c>model.safetensors</c> with the starting weights.</summary>
    public string Folder { get; }

    /// <summary>The training bytes.</summary>
    public string TextPath => Path.Combine(Folder, "text.bin");

    public Gpt2TinyRun Run { get; }

    public Gpt2TinyExpected Expected { get; }

    private T Read<T>(string name) => JsonSerializer.Deserialize<T>(File.ReadAllText(Path.Combine(Folder, name)), SnakeCase)!;
}

/// <summary>The settings of the run.</summary>
public sealed record Gpt2TinyRun(
    int Seed, int Steps, int SeqLen, int GlobalBatch, double Lr, double WeightDecay, double Clip, double[] Betas, double Eps);

/// <summary>What PyTorch computed.</summary>
public sealed record Gpt2TinyExpected
{
    [JsonPropertyName("loss_fp64")]
    public required double[] Losses { get; init; }

    [JsonPropertyName("loss_fp32")]
    public required double[] LossesInSinglePrecision { get; init; }

    [JsonPropertyName("grad_norm_fp64")]
    public required double[] GradientNorms { get; init; }

    [JsonPropertyName("grad_norm_fp32")]
    public required double[] GradientNormsInSinglePrecision { get; init; }

    [JsonPropertyName("sums_fp64")]
    public required Dictionary<string, double> FinalSums { get; init; }

    [JsonPropertyName("abs_sums_fp64")]
    public required Dictionary<string, double> FinalAbsoluteSums { get; init; }
}
