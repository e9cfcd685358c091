using System.Text.Json;

namespace NetZero.Planning.Tests;

public class ClusterCatalogTests
{
    public static TheoryData<string> Names => [.. ClusterCatalog.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Find_Preset_IsCompleteAndSaysWhereItsFiguresComeFrom(string name)
    {
        var cluster = ClusterCatalog.Find(name);

        Assert.Equal(name, cluster.Name);
        Assert.NotEmpty(cluster.Device.Origin);
        Assert.NotEmpty(cluster.Inside.Origin);
        Assert.NotEmpty(cluster.Network.Origin);
        Assert.InRange(cluster.Device.MatmulFraction * cluster.Device.WidePeak, 1e13, cluster.Device.WidePeak);
        Assert.True(cluster.DeviceHoursBetweenFailures > 0);
    }

    [Theory]
    [InlineData("h100x9", "h100x8")]
    [InlineData("A100X", "a100x8")]
    public void Find_MistypedName_GivesTheNearest(string name, string nearest) =>
        Assert.Contains($"did you mean '{nearest}'?", Assert.Throws<ArgumentException>(() => ClusterCatalog.Find(name)).Message);

    // Each generation has more bandwidth than the one before, and a step over it is never slower.
    [Theory]
    [InlineData("infiniband-qdr", "infiniband-fdr", "infiniband-edr", "infiniband-hdr", "infiniband-ndr", "infiniband-xdr")]
    [InlineData("ethernet-1g", "ethernet-10g", "ethernet-25g", "ethernet-100g", "ethernet-200g", "ethernet-400g", "ethernet-800g")]
    public void Networks_GetFaster(params string[] generations)
    {
        var run = new Workload { Model = ModelCatalog.Find("llama2-7b"), Sequence = 2048, MicroBatch = 1, Layout = new ParallelLayout(64) };
        var seconds = generations.Select(name => Planner.Plan(run, ClusterCatalog.Find("a100x8") with { Network = NetworkCatalog.Find(name) }).Time.StepSeconds).ToArray();

        Assert.Equal(seconds.OrderDescending(), seconds);
        Assert.True(seconds[0] > 1.5 * seconds[^1], $"{seconds[0]} s and {seconds[^1]} s");
    }

    [Fact]
    public void Peak_DtypeThatTheDeviceLacks_NamesThoseItHas() =>
        Assert.Equal(
            "device 'V100-32GB' has no bf16 matrix products; it has fp16, fp32",
            Assert.Throws<ArgumentException>(() => ClusterCatalog.Find("v100-32x8").Device.Peak("bf16")).Message);

    [Theory]
    [InlineData("\"devices_per_node\": 8", "\"devices_per_node\": 0", "devices_per_node is 0")]
    [InlineData("\"matmul_fraction\": 0.803", "\"matmul_fraction\": 1.2", "matmul_fraction is 1.2; expected at most 1")]
    [InlineData("\"launch_seconds\"", "\"lunch_seconds\"", "lunch_seconds")]
    public void Find_FileWithAWrongFigure_NamesIt(string right, string wrong, string message)
    {
        using var stream = typeof(ClusterCatalog).Assembly.GetManifestResourceStream("NetZero.Planning.Clusters.h100x8.json")!;
        var text = new StreamReader(stream).ReadToEnd();
        Assert.Contains(right, text);

        var failure = Assert.Throws<ArgumentException>(() => ClusterFile.Read(text.Replace(right, wrong), "mine.json"));

        Assert.StartsWith("mine.json: ", failure.Message);
        Assert.Contains(message, failure.Message);
        Assert.DoesNotContain('\n', failure.Message);
    }

    // Keys of the schema are those that are read, object by object, whatever the order.
    [Fact]
    public void Schema_HasTheKeysThatFilesHave()
    {
        var link = new LinkDescription { Origin = "", BytesPerSecond = 1, HopSeconds = 1, Oversubscription = 1 };
        var use = new DeviceUse { Ranks = 1, Threads = 1, LaunchSeconds = 0, StepSeconds = 0, LoadSecondsPerToken = 0, Kernels = new Dictionary<string, KernelRate> { ["Gemm"] = new(1, 1, 1) } };
        var whole = ClusterCatalog.Find("h100x8") with { Schema = "cluster.schema.json", Inside = link, Network = link };
        using var file = JsonDocument.Parse(ClusterCatalog.ToJson(whole with { Device = whole.Device with { Uses = [use] } }));
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "cluster.schema.json")));
        Same(schema.RootElement, file.RootElement);

        static void Same(JsonElement schema, JsonElement value)
        {
            if (value.ValueKind == JsonValueKind.Array)
                Same(schema.GetProperty("items"), value[0]);
            else if (value.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out var properties))
            {
                Assert.Equal(value.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal), properties.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
                foreach (var property in value.EnumerateObject())
                    Same(properties.GetProperty(property.Name), property.Value);
            }
            else if (value.ValueKind == JsonValueKind.Object)
                Same(schema.GetProperty("additionalProperties"), value.EnumerateObject().First().Value);
        }
    }
}
