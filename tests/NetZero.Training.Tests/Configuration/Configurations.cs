namespace NetZero.Training.Tests;

/// <summary>Short configurations that tests start from.</summary>
internal static class Configurations
{
    /// <summary>A complete configuration that takes little.</summary>
    public const string Tiny = """
        {
          "model": { "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 64 },
          "data": { "train": "text.txt" },
          "train_batch_size": 8,
          "steps": 20
        }
        """;

    public static RunConfiguration Parse(params string[] overrides) => RunConfiguration.Parse(Tiny, overrides);

    /// <summary>The only problem of the tiny configuration with overrides.</summary>
    public static string Problem(params string[] overrides) =>
        Assert.Single(Assert.Throws<ConfigurationException>(() => Parse(overrides)).Problems);
}
