using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The first half of a Muon update, with g = gradient * scale: b = b + (1 - momentum) (g - b), and as direction b, or g + momentum (b - g) (Nesterov's).</summary>
/// <param name="direction">The directions as values, which are written and not read; gradients.</param>
/// <param name="buffer">The running mean of the gradients, updated; zero before the first step.</param>
/// <param name="momentum">How much of it stays.</param>
/// <param name="nesterov">Whether the direction looks ahead.</param>
public readonly struct MuonMomentumKernel(FlatStretch direction, FlatState buffer, double momentum, bool nesterov) : IKernel
{
    /// <inheritdoc/>
    public DType DType => direction.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        direction.Describe(ref arguments);
        buffer.Describe(ref arguments);
        arguments.Add(momentum);
        arguments.Add(nesterov);
    }

    /// <inheritdoc/>
    public KernelWork Work => direction.Work(buffer, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<MuonMomentumRule>(direction, buffer, FlatState.None, new MuonMomentumRule(momentum, nesterov)).Run(workers);
}

/// <summary>The second half: p = p (1 - learning rate x weight decay) - rate x o, with o as gradients.</summary>
/// <param name="stretch">Values, updated; orthogonalized directions.</param>
/// <param name="shrink">Learning rate times weight decay.</param>
/// <param name="rate">The learning rate, adjusted to the matrix.</param>
public readonly struct MuonKernel(FlatStretch stretch, double shrink, double rate) : IKernel
{
    /// <inheritdoc/>
    public DType DType => stretch.Gradients.DType;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        stretch.Describe(ref arguments);
        arguments.Add(shrink);
        arguments.Add(rate);
    }

    /// <inheritdoc/>
    public KernelWork Work => stretch.Work(FlatState.None, FlatState.None);

    /// <inheritdoc/>
    public void Run(WorkerPool workers) => new FlatUpdate<MuonRule>(stretch, FlatState.None, FlatState.None, new MuonRule(shrink, rate)).Run(workers);
}

/// <summary>Muon's momentum on a vector of elements.</summary>
internal readonly struct MuonMomentumRule(double momentum, bool nesterov) : IUpdateRule
{
    private readonly float _rest = (float)(1 - momentum);
    private readonly float _ahead = nesterov ? (float)momentum : 1;

    public static int States => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T b, ref T second)
        where T : struct, ILanes<T>
    {
        b = T.MultiplyAdd(T.Splat(_rest), g - b, b);
        p = T.MultiplyAdd(T.Splat(_ahead), b - g, g);
    }
}

/// <summary>Muon's step on a vector of elements.</summary>
internal readonly struct MuonRule(double shrink, double rate) : IUpdateRule
{
    private readonly float _decay = (float)(1 - shrink);
    private readonly float _minusRate = (float)-rate;

    public static int States => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply<T>(ref T p, T g, ref T first, ref T second)
        where T : struct, ILanes<T> =>
        p = T.MultiplyAdd(T.Splat(_minusRate), g, p * T.Splat(_decay));
}
