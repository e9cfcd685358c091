using BenchmarkDotNet.Attributes;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>The ops of `netzero bench kernels`, forward and backward, on one thread.</summary>
public class OpBenchmarks
{
    private KernelProblem? _problem;

    public static IEnumerable<string> Ops => KernelBenchmark.Names;

    [ParamsSource(nameof(Ops))]
    public string Op { get; set; } = "";

    [GlobalSetup]
    public void Setup() => _problem = new KernelProblem(KernelCase.All.Single(kernel => kernel.Name == Op), threads: 1);

    [Benchmark]
    public void Forward() => _problem!.Forward();

    [Benchmark]
    public void ForwardAndBackward() => _problem!.ForwardAndBackward();

    [GlobalCleanup]
    public void Cleanup() => _problem?.Dispose();
}
