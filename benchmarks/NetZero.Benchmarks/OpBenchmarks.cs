using BenchmarkDotNet.Attributes;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>The ops of a block beside matrix multiply, forward and backward, on one thread, at the shapes of `netzero bench train --shape small`: 12 x 256 rows of 384.</summary>
public class OpBenchmarks
{
    private const int B = 12, T = 256, C = 384, H = 6, V = 256;
    private TensorContext? _tensors;
    private Tensor? _hidden;
    private Tensor? _wide;
    private Tensor? _qkv;
    private Tensor? _logits;
    private Tensor? _targets;
    private Tensor? _weight;
    private Tensor? _bias;

    [GlobalSetup]
    public void Setup()
    {
        _tensors = new TensorContext();
        _hidden = Leaf([B, T, C]);
        _wide = Leaf([B, T, 4 * C]);
        _qkv = Leaf([B, T, 3 * C]);
        _logits = Leaf([B, T, V]);
        _weight = Leaf([C]);
        _bias = Leaf([C]);
        _targets = _tensors.From<int>([.. Enumerable.Range(0, B * T).Select(i => i % V)], [B, T]).Keep();
    }

    [Benchmark]
    public void LayerNorm() => Run(() => _hidden!.LayerNorm(_weight!, _bias!));

    [Benchmark]
    public void Gelu() => Run(() => _wide!.Gelu());

    [Benchmark]
    public void Add() => Run(() => _hidden! + _hidden!);

    [Benchmark]
    public void CausalAttention() => Run(() => _qkv!.CausalAttention(H));

    [Benchmark]
    public void CrossEntropy() => Run(() => _logits!.CrossEntropy(_targets!));

    /// <summary>One fused update of as many parameters as a wide activation has elements (4.7 million).</summary>
    [Benchmark]
    public unsafe void AdamW()
    {
        using var scope = _tensors!.BeginScope("update");
        var n = _wide!.Elements;
        float* m = _tensors.Zeros([n]).Data<float>(), v = _tensors.Zeros([n]).Data<float>();
        _tensors.Launch(new AdamWKernel(_wide.Data<float>(), _wide.Data<float>(), m, v, n, new AdamWSettings(1e-3, 0.9, 0.999, 1e-8, 0.1, 1), null));
    }

    [GlobalCleanup]
    public void Cleanup() => _tensors?.Dispose();

    private Tensor Leaf(Shape shape) => _tensors!.Full(shape, 0.5f).Keep().RequireGrad();

    private void Run(Func<Tensor> op)
    {
        using var step = _tensors!.BeginStepScope("benchmark");
        var y = op();
        y.Backward(_tensors.Full(y.Shape, 1));
    }
}
