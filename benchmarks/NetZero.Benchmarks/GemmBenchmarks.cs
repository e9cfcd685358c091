using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>Matrix multiply on one thread, with its share of the FMA peak measured after the run.</summary>
[Config(typeof(Configuration))]
public class GemmBenchmarks
{
    private GemmProblem? _problem;

    public static IEnumerable<GemmShape> Shapes => GemmShape.All;

    [ParamsSource(nameof(Shapes))]
    public GemmShape Shape { get; set; } = null!;

    [GlobalSetup]
    public void Setup() => _problem = new GemmProblem(Shape);

    [Benchmark]
    public void Multiply() => _problem!.Run();

    [GlobalCleanup]
    public void Cleanup() => _problem?.Dispose();

    private sealed class Configuration : ManualConfig
    {
        public Configuration() => AddColumn(new GflopsColumn(), new FmaShareColumn());
    }
}
