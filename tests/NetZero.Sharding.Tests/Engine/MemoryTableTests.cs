using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>The bounds of FSDP2's memory test at its sizes (2 ranks, 3 layers of width 768, vocabulary 32, an input of 1 x 4), with 1 MB of slack where that has 16 and 32.</summary>
/// <remarks>P is all parameters, B a block, N what is in no block, S = P / 2, in bytes of fp32; counted are parameters, gathered parameters, gradients and optimizer state together.</remarks>
public class MemoryTableTests
{
    private const long SlackBytes = 1_000_000;

    private static readonly Gpt2Config Model = new() { LayerCount = 3, HeadCount = 12, EmbeddingSize = 768, PositionCount = 16, VocabularySize = 32 };

    [Fact]
    public void ZeRO3_StaysWithinTheBoundsOfFSDP2() => Ranks.Run(2, rank =>
    {
        var model = new Gpt2(Model);
        var sharded = FullyShard.Apply(model, rank, ShardingPolicy.Zero3);
        var phases = new Phases(rank.Tensors.Ledger);
        sharded.Observer = phases;
        var optimizer = new AdamW(sharded);
        var all = sharded.Units.Sum(u => u.Elements) * sizeof(float);
        var block = sharded.Units[1].Elements * sizeof(float);
        var others = all - (3 * block);
        var shard = all / 2;
        Assert.True(sharded.Units.Skip(1).All(u => u.Elements * sizeof(float) == block));

        // The bounds must be far from what sharding less would hold, and slack from a block.
        Assert.True(SlackBytes < block / 20);
        for (var step = 0; step < 3; step++)
        {
            using (sharded.BeginStep())
            {
                phases.Begin();
                var loss = model.Loss(rank.Tensors.From<int>([1, 2, 3, 4], [1, 4]), rank.Tensors.From<int>([2, 3, 4, 5], [1, 4]));
                var forward = phases.End();
                loss.Backward();
                var backward = phases.End();
                optimizer.Step();
                var update = phases.End();

                // From the second step on the moments are there too: another 2 S.
                var moments = step == 0 ? 0 : 2 * shard;
                Assert.InRange(forward, shard + block, shard + (3 * block) + others + moments + SlackBytes);
                Assert.InRange(backward, (2 * shard) + block, (2 * shard) + (3 * block) + others + moments + SlackBytes);
                Assert.InRange(update, 4 * shard, (4 * shard) + SlackBytes);
            }

            Assert.InRange(Phases.Counted(rank.Tensors.Ledger.Live), 3 * shard, (3 * shard) + SlackBytes);
        }
    });

    /// <summary>The most of the counted kinds since the phase began: at each event, and at each highest moment between two of them.</summary>
    private sealed class Phases(MemoryLedger ledger) : IScheduleObserver
    {
        private long _most;

        public static long Counted(Func<MemoryKind, long> of) =>
            of(MemoryKind.Parameter) + of(MemoryKind.Gathered) + of(MemoryKind.Gradient) + of(MemoryKind.Optimizer);

        public void Begin()
        {
            ledger.TakeLap();
            _most = Counted(ledger.Live);
        }

        public long End()
        {
            Look();
            var most = _most;
            _most = Counted(ledger.Live);
            return most;
        }

        public void OnStarting(in ScheduleEvent scheduled, string unit) => Look();

        public void OnEvent(in ScheduleRecord record) => Look();

        private void Look()
        {
            var lap = ledger.TakeLap();
            _most = Math.Max(_most, Math.Max(Counted(ledger.Live), Counted(kind => lap[kind])));
        }
    }
}
