using NetZero.Checkpoints;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>One rank of a run as its plans see it: the run's own program on Meta, without memory, peers or text.</summary>
internal sealed class PlannedRun : IDisposable
{
    private readonly RunConfiguration _run;
    private readonly TensorContext _tensors;
    private readonly Optimizer _optimizer;

    public PlannedRun(RunConfiguration run, int rank)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run;
        _tensors = new TensorContext(new TensorContextOptions
        {
            Device = Device.Meta,
            Threads = run.ThreadsPerRank,
            MemoryBudgetBytes = run.MemoryBudgetBytes,
        });

        // Which GELU it is does not change a byte.
        var model = RunParts.Model(run, exactGelu: false);
        OptimizerParts.Check(run, RunParts.Module(run, model));
        Module = RunParts.Shard(run, model, new FakeProcessGroup(rank, run.Ranks), _tensors, source: null);
        _optimizer = OptimizerParts.Make(run, Module);
        Data = new BlankBatches(run.MicroBatchSize, run.Data.SequenceLength);
        Loop = RunParts.Loop(run, Module, _optimizer, Data, RankNews.Silent(run.Ranks));
    }

    public ShardedModule Module { get; }

    public IBatchSource Data { get; }

    public TrainingLoop Loop { get; }

    /// <summary>What takes the run's snapshots, if it takes any; their memory lives while this does.</summary>
    public CheckpointSaver? Snapshots() => RunParts.Snapshots(_run, Module, _optimizer);

    public void Dispose() => _tensors.Dispose();
}
