using BenchmarkDotNet.Attributes;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>
/// What the sharding engine costs a unit and training step: schedule, views, bookkeeping of memory, hooks and tape. On Meta and with a group that moves nothing, so that there are no
/// kernels and no collectives; blocks have the twelve parameters of a GPT-2 block and multiply with each once.
/// </summary>
public class EngineBenchmarks
{
    private const int Blocks = 100;

    private TensorContext? _tensors;
    private ShardedModule? _sharded;
    private Chain? _model;

    [Params(0, 1, 2, 3)]
    public int Stage { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _tensors = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        _model = new Chain();
        _sharded = FullyShard.Apply(_model, new FakeProcessGroup(0, 2), _tensors, ShardingPolicy.ForStage(Stage));
    }

    /// <summary>One step; the time is that of a unit (the root counts as part of the hundred blocks).</summary>
    [Benchmark(OperationsPerInvoke = Blocks)]
    public void Step()
    {
        using var step = _sharded!.BeginStep();
        step.Backward(_model!.Loss(_tensors!.Empty([1, 8], DType.F32, MemoryKind.Activation, "x")));
        _sharded.ClipGradientNorm(1);
        _sharded.Update(static (_, _) => { });
    }

    [GlobalCleanup]
    public void Cleanup() => _tensors?.Dispose();

    private sealed class Chain : Module
    {
        private readonly Block[] _blocks = new Block[Blocks];
        private readonly Linear _head;

        public Chain()
        {
            for (var i = 0; i < _blocks.Length; i++)
                _blocks[i] = AddUnit($"h.{i}", new Block());
            _head = AddChild("head", new Linear(8, 3));
        }

        public Tensor Loss(Tensor x)
        {
            using var call = Enter(x.Context);
            foreach (var block in _blocks)
                x = block.Call(x);
            return call.Return(_head.Call(x).Sum());
        }
    }

    private sealed class Block : Layer
    {
        private readonly Parameter[] _weights;

        public Block() => _weights = [.. Enumerable.Range(0, 12).Select(i => AddParameter($"weight{i}", [8], Initializer.Zeros))];

        protected override Tensor Forward(Tensor x)
        {
            foreach (var weight in _weights)
                x *= weight.Value;
            return x;
        }
    }
}
