using NetZero.Nn;

namespace NetZero.Training;

/// <summary>The optimizers.</summary>
public enum OptimizerKind
{
    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,

    /// <summary>Stochastic gradient descent, with momentum if asked for.</summary>
    Sgd,

    /// <summary>Steps of equal size in the direction of the sign of an average of gradients.</summary>
    Lion,

    /// <summary>Adam's direction, of a length in proportion to each parameter's.</summary>
    Lamb,

    /// <summary>Momentum with a rate for each parameter, in proportion to its norm over its gradient's.</summary>
    Lars,

    /// <summary>Momentum of matrices with singular values near 1; AdamW for the rest.</summary>
    Muon,

    /// <summary>Steps by the root of a second moment that is kept as means of rows and columns.</summary>
    Adafactor,
}

/// <summary>How a learning rate that was found for one batch size is carried over to another.</summary>
public enum RateScaling
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>In proportion to the batch (Goyal et al. 2017, section 2.1): for SGD.</summary>
    Linear,

    /// <summary>With the batch's square root (Krizhevsky 2014; Malladi et al. 2022 for Adam).</summary>
    SquareRoot,
}

/// <summary>The section <c>optimizer</c> with its <c>params</c>.</summary>
public sealed record OptimizerConfiguration
{
    // One list, so that configurations with the default are equal.
    private static readonly string[] EmbeddingsOfGpt2 = ["wte.*", "wpe.*"];

    /// <summary>The optimizer.</summary>
    public OptimizerKind Type { get; init; } = OptimizerKind.AdamW;

    /// <summary>The learning rate that the schedule starts from.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>AdamW and LAMB: decay rates of the first and second moment; Lion: of the direction and of the momentum. Each below 1. By default (0.9, 0.999) and (0.9, 0.99).</summary>
    public (double First, double Second)? Betas { get; init; }

    /// <summary>
    /// AdamW and LAMB: added to the root of the second moment. Adafactor: added to squares of gradients, and the least RMS that a parameter
    /// counts for.
    /// </summary>
    public Epsilons? Epsilon { get; init; }

    /// <summary>How much of a weight is taken off per step, times the learning rate; 0 is off.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Whether vectors (biases, norm weights) decay too, not just tensors of two and more dimensions.</summary>
    public bool WeightDecayAll { get; init; }

    /// <summary>SGD, LARS and Muon: the share of the last step, or for Muon of the mean gradient, that is kept; 0 is off. By default 0, 0.9 and 0.95.</summary>
    public double? Momentum { get; init; }

    /// <summary>LAMB: the largest ratio of a parameter's norm to its direction's.</summary>
    public double MaxCoefficient { get; init; } = 10;

    /// <summary>LAMB: the smallest.</summary>
    public double MinCoefficient { get; init; } = 0.01;

    /// <summary>LARS: how far a parameter moves in a step, as a share of its norm, at a learning rate of 1.</summary>
    public double TrustCoefficient { get; init; } = 1e-3;

    /// <summary>Muon: whether the direction looks ahead.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>Muon: Newton-Schulz steps.</summary>
    public int NewtonSchulzSteps { get; init; } = 5;

    /// <summary>Muon: patterns of the matrices that AdamW updates. By default GPT-2's embeddings, which are also its head.</summary>
    public IReadOnlyList<string> AdamWParameters { get; init; } = EmbeddingsOfGpt2;

    /// <summary>Adafactor: the largest RMS of a parameter's step before the rate.</summary>
    public double ClipThreshold { get; init; } = 1;

    /// <summary>Adafactor: 1 - t to this power of the second moment stays at step t.</summary>
    public double DecayRate { get; init; } = -0.8;

    /// <summary>Adafactor: how much of the running mean of steps stays; null keeps none.</summary>
    public double? Beta1 { get; init; }

    /// <summary>Adafactor: whether steps are in proportion to the RMS of the parameter.</summary>
    public bool ScaleParameter { get; init; } = true;

    /// <summary>Adafactor: whether the learning rate is the paper's function of the step, min(0.01, 1 / √t).</summary>
    public bool RelativeStep { get; init; } = true;

    /// <summary>Adafactor: whether that begins near zero.</summary>
    public bool WarmupInit { get; init; }

    /// <summary>
    /// Whether the optimizer has a learning rate of its own, which neither <see cref="LearningRate"/> nor a schedule sets.
    /// </summary>
    public bool SetsRate => Type == OptimizerKind.Adafactor && RelativeStep;

    /// <summary>Whether these are what they are by default.</summary>
    public bool HasDefaultAdamWParameters => AdamWParameters.SequenceEqual(EmbeddingsOfGpt2);

    /// <summary>How the moments are kept.</summary>
    public StateFormat StateFormat { get; init; }

    /// <summary>How the learning rate follows the batch size.</summary>
    public RateScaling RateScaling { get; init; }

    /// <summary>The batch size that the learning rate is meant for, where it follows the batch size.</summary>
    public int BaseBatchSize { get; init; }

    /// <summary>Parameters with settings of their own.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    /// <summary>The momentum that an optimizer's paper uses; none for plain gradient descent.</summary>
    internal static double DefaultMomentum(OptimizerKind type) => type switch { OptimizerKind.Lars => 0.9, OptimizerKind.Muon => 0.95, _ => 0 };

    /// <summary>What an optimizer's paper adds.</summary>
    internal static Epsilons DefaultEpsilon(OptimizerKind type) => type == OptimizerKind.Adafactor ? new(1e-30, 1e-3) : new(1e-8, null);

    /// <summary>The decay rates that an optimizer's paper uses.</summary>
    internal static (double First, double Second) DefaultBetas(OptimizerKind type) => type == OptimizerKind.Lion ? (0.9, 0.99) : (0.9, 0.999);
}

/// <summary>Small numbers that an optimizer adds, so that nothing is divided by zero: one, or Adafactor's two.</summary>
/// <param name="First">The one, or Adafactor's to squares of gradients.</param>
/// <param name="Second">Adafactor's least RMS of a parameter; null for other optimizers.</param>
public readonly record struct Epsilons(double First, double? Second);
