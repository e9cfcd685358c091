using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>A training step as a program, and what its speed is counted by.</summary>
public sealed record TrainingProgram
{
    /// <summary>
    /// Gets the distributed model, makes an optimizer, and returns one training step: as in training, but that no values can be read. It runs twice, on
    /// <see cref="Device.Meta"/>.
    /// </summary>
    public required Func<ShardedModule, Action> Step { get; init; }

    /// <summary>What its speed is counted by.</summary>
    public required ProgramSize Size { get; init; }

    /// <summary>Accumulation, activation checkpointing, frozen parameters.</summary>
    public ShardingOptions Options { get; init; } = new();

    /// <summary>Next-token training of a <see cref="Gpt2"/>: forward and backward of each micro-batch, then AdamW.</summary>
    /// <param name="model">The model's shape.</param>
    /// <param name="samples">Samples of a micro-batch on one rank.</param>
    /// <param name="sequence">Tokens of a sample.</param>
    /// <param name="options">Accumulation, activation checkpointing, frozen parameters.</param>
    /// <param name="threads">Threads of each rank.</param>
    public static TrainingProgram Gpt2(Gpt2Config model, int samples, int sequence, ShardingOptions? options = null, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ShardingOptions();
        var tokens = new int[checked(samples * sequence)];
        return new TrainingProgram
        {
            Size = new ProgramSize(tokens.Length, FlopsPerToken(model, sequence), threads, options.MixedPrecision.ParameterDType),
            Options = options,
            Step = module =>
            {
                var optimizer = new AdamW(module);
                return () =>
                {
                    using var step = module.BeginStep();
                    for (var micro = 0; micro < options.GradientAccumulationSteps; micro++)
                    {
                        using var scope = step.BeginMicroBatch();
                        Tensor ids = module.Tensors.From<int>(tokens, [samples, sequence]), targets = module.Tensors.From<int>(tokens, [samples, sequence]);
                        step.Backward(((Gpt2)module.Module).Loss(ids, targets));
                    }

                    optimizer.Step();
                };
            },
        };
    }

    /// <summary>Model FLOP of training a <see cref="Gpt2"/> on one token.</summary>
    public static double FlopsPerToken(Gpt2Config model, int sequence)
    {
        ArgumentNullException.ThrowIfNull(model);
        return TrainingFlops.PerToken(
            new Gpt2(model).ParameterCount() - ((long)model.PositionCount * model.EmbeddingSize), model.LayerCount, model.EmbeddingSize, sequence);
    }
}
