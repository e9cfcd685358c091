using System.CommandLine;
using System.Globalization;
using NetZero.Planning;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>The options of <c>netzero plan</c> that describe a run by name instead of by configuration: a model, machines, and how the step is divided.</summary>
internal sealed class ClusterPlanOptions
{
    private readonly Option<string?> _model = new("--model") { Description = "A known model, such as llama3-70b, or a Hugging Face folder or config.json.", HelpName = "NAME|FILE" };
    private readonly Option<string> _profile = new("--profile") { Description = "The training system, such as torchtitan.", HelpName = "NAME", DefaultValueFactory = _ => "generic" };
    private readonly Option<int> _sequence = Number("--sequence", "Tokens of a sample.", 2048);
    private readonly Option<int> _microBatch = Number("--micro-batch", "Samples of one forward pass on one rank.", 1);
    private readonly Option<int> _accumulation = Number("--accumulation", "Forward passes of a step.", 1);
    private readonly Option<int> _stage = Number("--stage", "ZeRO stage 0 to 3.", 3);
    private readonly Option<int> _shardGroup = Number("--shard-group", "Ranks that share states; 0 is all of them.", 0);
    private readonly Option<int> _tensor = Number("--tensor", "Ranks that share each product.", 1);
    private readonly Option<int> _pipeline = Number("--pipeline", "Stages of blocks.", 1);
    private readonly Option<int> _context = Number("--context", "Ranks that share each sequence.", 1);
    private readonly Option<string> _dtype = new("--dtype") { Description = "The dtype of products.", HelpName = "bf16|fp16|fp8|fp32", DefaultValueFactory = _ => "bf16" };
    private readonly Option<string> _recompute = new("--recompute")
    {
        Description = "What backward computes again.",
        HelpName = "none|attention|per-op|every-second-block|full",
        DefaultValueFactory = _ => "none",
    };

    private readonly Option<string> _offload = new("--offload")
    {
        Description = "What lies in the host's memory.",
        HelpName = "none|optimizer,parameters,checkpoints",
        DefaultValueFactory = _ => "none",
    };

    /// <summary>The options.</summary>
    public IReadOnlyList<Option> All =>
        [_model, _profile, _sequence, _microBatch, _accumulation, _stage, _shardGroup, _tensor, _pipeline, _context, _dtype, _recompute, _offload];

    /// <summary>Whether a model was named.</summary>
    public bool IsAsked(ParseResult parsed) => parsed.GetValue(_model) is not null;

    /// <summary>The system.</summary>
    public ImplementationProfile Profile(ParseResult parsed) => Calibration.Shipped.Profile(parsed.GetValue(_profile)!);

    /// <summary>The step on a number of ranks.</summary>
    public Workload Workload(ParseResult parsed, int ranks)
    {
        var (tensor, pipeline, context) = (parsed.GetValue(_tensor), parsed.GetValue(_pipeline), parsed.GetValue(_context));
        if (ranks > RunConfiguration.MaxRanks)
            throw new ConfigurationException($"--ranks is {ranks}; expected at most {RunConfiguration.MaxRanks}");
        if (tensor <= 0 || pipeline <= 0 || context <= 0 || ranks <= 0 || ranks % ((Int128)tensor * pipeline * context) != 0)
            throw new ConfigurationException($"--ranks is {ranks}; expected a positive multiple of {tensor} x {pipeline} x {context} (tensor, pipeline, context)");
        return new Workload
        {
            Model = ModelCatalog.Find(parsed.GetValue(_model)!),
            Sequence = parsed.GetValue(_sequence),
            MicroBatch = parsed.GetValue(_microBatch),
            MicroBatches = parsed.GetValue(_accumulation),
            Layout = new ParallelLayout(ranks / (tensor * pipeline * context), tensor, pipeline, context),
            Stage = parsed.GetValue(_stage),
            ShardGroup = parsed.GetValue(_shardGroup),
            Dtype = parsed.GetValue(_dtype)!,
            Recompute = RecomputeOf(parsed.GetValue(_recompute)!),
            Offload = OffloadOf(parsed.GetValue(_offload)!),
        }.Checked();
    }

    private static Offload OffloadOf(string names) => names.Split(',').Aggregate(Offload.None, (sum, name) => sum | name.Trim() switch
    {
        "none" => Offload.None,
        "optimizer" => Offload.Optimizer,
        "parameters" => Offload.Parameters,
        "checkpoints" => Offload.Checkpoints,
        _ => throw new ConfigurationException($"--offload is '{names}'; expected none, or some of optimizer, parameters and checkpoints, separated by commas"),
    });

    private static Recompute RecomputeOf(string name) => name switch
    {
        "none" => Recompute.None,
        "attention" => Recompute.Attention,
        "per-op" => Recompute.PerOp,
        "every-second-block" => Recompute.EverySecondBlock,
        "full" => Recompute.Full,
        _ => throw new ConfigurationException($"--recompute is '{name}'; expected none, attention, per-op, every-second-block or full"),
    };

    private static Option<int> Number(string name, string description, int fallback) =>
        new(name) { Description = $"{description} [{fallback.ToString(CultureInfo.InvariantCulture)}]", HelpName = "N", DefaultValueFactory = _ => fallback };
}
