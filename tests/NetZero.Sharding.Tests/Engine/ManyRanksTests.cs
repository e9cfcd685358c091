using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>128 ranks as threads, on weights that no number of ranks divides (after FSDP2's test of 128 simulated ranks).</summary>
public class ManyRanksTests
{
    private const int Ranks = 128;

    [Fact]
    public void Policies_At128Ranks_ComputeTheBitsOfDataParallel()
    {
        var flat = Run(ShardingPolicy.DataParallel);
        foreach (var policy in (ShardingPolicy[])
        [
            ShardingPolicy.Zero1, ShardingPolicy.Zero2, ShardingPolicy.Zero3, new ShardingPolicy { ReshardAfterForward = ReshardAfterForward.Within(8) },
        ])
            Run(policy).AssertSameBits(flat);
        Run(new ShardingPolicy { ShardGroupSize = 16 }).AssertSameTraining(flat);
    }

    private static ToyRun.Outcome Run(ShardingPolicy policy) => new ToyRun
    {
        Model = () => new OddChain(),
        Ranks = Ranks,
        Steps = 1,
        GlobalRows = Ranks,
        Policy = policy,
        Optimizer = parameters => new Sgd(parameters, new SgdOptions { LearningRate = 0.1 }),
    }.Run();

    /// <summary>Weights of (17, 257), (312, 17), (64, 312), (512, 64), (297, 512) and (64, 297), a unit each, and a head.</summary>
    private sealed class OddChain : Module, IToy
    {
        private readonly Linear[] _blocks;
        private readonly Linear _head;

        public OddChain()
        {
            int[] widths = [257, 17, 312, 64, 512, 297, 64];
            _blocks = [.. widths.Skip(1).Select((width, i) => AddUnit($"h.{i}", new Linear(widths[i], width)))];
            _head = AddChild("head", new Linear(widths[^1], Classes));
        }

        public int Features => 257;

        public int Classes => 3;

        public Tensor Loss(Tensor x, Tensor targets)
        {
            using var call = Enter(x.Context);
            foreach (var block in _blocks)
                x = block.Call(x).Gelu();
            return call.Return(_head.Call(x).CrossEntropy(targets));
        }
    }
}
