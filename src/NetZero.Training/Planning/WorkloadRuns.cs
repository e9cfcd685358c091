using System.Text;
using NetZero.Planning;

namespace NetZero.Training;

/// <summary>Writes what was planned for a named model as a run that <c>netzero train</c> accepts.</summary>
public static class WorkloadRuns
{
    private static readonly IReadOnlyDictionary<Recompute, CheckpointingMode> Modes =
        new Dictionary<Recompute, CheckpointingMode> { [Recompute.None] = CheckpointingMode.None, [Recompute.Full] = CheckpointingMode.Full };

    /// <summary>Why no run can be set up for a model and layout, whatever stage and batch it has; null where one can.</summary>
    public static string? Obstacle(Workload workload)
    {
        ArgumentNullException.ThrowIfNull(workload);
        var (model, layout) = (workload.Model, workload.Layout);
        var gpt2 = model is { LinearBias: true, NormBias: true, TiedHead: true, Gated: false, Experts: 1, Positions: > 0 }
            && model.KeyValueHeads == model.Heads && model.QueryWidth == model.Hidden && model.FeedForward == 4 * model.Hidden;
        if (!gpt2)
            return $"netzero train has models of the family gpt2, and {model.Name} is none";
        if (layout.Replicas != layout.Ranks || layout.Context > 1)
            return "netzero train divides ranks over samples alone; leave --tensor, --pipeline and --context out";
        return workload.Offload == Offload.None ? null : "netzero train offloads nothing; leave --offload out";
    }

    /// <summary>Whether a run can have what is computed again and the dtype.</summary>
    public static bool CanRun(Workload workload)
    {
        ArgumentNullException.ThrowIfNull(workload);
        return Obstacle(workload) is null && Modes.ContainsKey(workload.Recompute) && workload.Dtype is "fp32" or "bf16" or "fp16";
    }

    /// <summary>The run, complete and checked.</summary>
    /// <param name="workload">What was planned; <see cref="CanRun"/>.</param>
    /// <param name="overrides">What a plan knows nothing of, as <c>key.path=value</c>: at least <c>data.train</c> and <c>steps</c>.</param>
    /// <exception cref="ArgumentException">No run can be set up so.</exception>
    /// <exception cref="ConfigurationException">Overrides leave something out or contradict it.</exception>
    public static RunConfiguration Of(Workload workload, IReadOnlyList<string> overrides)
    {
        ArgumentNullException.ThrowIfNull(workload);
        if (!CanRun(workload))
            throw new ArgumentException(Obstacle(workload) ?? $"netzero train has no {workload.Dtype} and no recomputation {workload.Recompute}");
        var run = new RunConfiguration
        {
            Model = new ModelConfiguration
            {
                Layers = workload.Model.Layers,
                Heads = workload.Model.Heads,
                Embedding = workload.Model.Hidden,
                Positions = workload.Model.Positions,
                VocabularySize = workload.Model.Vocabulary,
            },
            Data = new DataConfiguration { SequenceLength = workload.Sequence },
            MicroBatchSize = workload.MicroBatch,
            AccumulationSteps = workload.MicroBatches,
            TrainBatchSize = checked(workload.MicroBatch * workload.MicroBatches * workload.Layout.Ranks),
            Ranks = workload.Layout.Ranks,
            Zero = new ZeroConfiguration { Stage = workload.Stage, ShardGroupSize = workload.ShardGroup == workload.Layout.Ranks ? 0 : workload.ShardGroup },
            Checkpointing = new CheckpointingConfiguration { Mode = Modes[workload.Recompute] },
            Precision = new PrecisionConfiguration { BFloat16 = workload.Dtype == "bf16", Half = workload.Dtype == "fp16" },
        };
        return RunConfiguration.Parse(Encoding.UTF8.GetString(run.ToJson()), overrides);
    }
}
