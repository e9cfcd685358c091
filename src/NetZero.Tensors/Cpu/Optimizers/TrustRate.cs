namespace NetZero.Tensors;

/// <summary>
/// The rate of one parameter under a layer-wise optimizer: the learning rate times c |p| / (|u| + wd |p|), which must lie between two
/// bounds. Without a length there is nothing to be in proportion to, and the ratio is 1.
/// </summary>
public readonly unsafe struct TrustRate
{
    private readonly double _learningRate;
    private readonly double _coefficient;
    private readonly double _weightDecay;
    private readonly double _minimum;
    private readonly double _maximum;
    private readonly double* _squares;

    private TrustRate(double learningRate, double coefficient, double weightDecay, double minimum, double maximum, DeviceNumbers? squares)
    {
        (_learningRate, _coefficient, _weightDecay, _minimum, _maximum) = (learningRate, coefficient, weightDecay, minimum, maximum);
        _squares = squares is null ? null : squares.Pointer;
    }

    /// <summary>LAMB's: |p| / |u| within bounds.</summary>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="minRatio">The smallest ratio.</param>
    /// <param name="maxRatio">The largest ratio.</param>
    /// <param name="squares">Σp² and Σu² of the whole parameter, read when the kernel runs; null is a ratio of 1.</param>
    public static TrustRate OfLamb(double learningRate, double minRatio, double maxRatio, DeviceNumbers? squares) =>
        new(learningRate, 1, 0, minRatio, maxRatio, squares);

    /// <summary>LARS's: trust |p| / (|g| + wd |p|).</summary>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="trustCoefficient">How far a parameter moves in a step, as a share of its norm, at a learning rate of 1.</param>
    /// <param name="weightDecay">The L2 term's factor.</param>
    /// <param name="squares">Σp² and Σg² of the whole parameter, read when the kernel runs; null is a ratio of 1.</param>
    public static TrustRate OfLars(double learningRate, double trustCoefficient, double weightDecay, DeviceNumbers? squares) =>
        new(learningRate, trustCoefficient, weightDecay, 0, double.PositiveInfinity, squares);

    internal void Describe(ref KernelArguments arguments)
    {
        arguments.Add(_learningRate);
        arguments.Add(_coefficient);
        arguments.Add(_weightDecay);
        arguments.Add(_minimum);
        arguments.Add(_maximum);
        arguments.Add(_squares);
    }

    internal double Value => _learningRate * (_squares == null ? 1 : Ratio(Math.Sqrt(_squares[0]), Math.Sqrt(_squares[1])));

    // NaN passes, so that a broken step shows.
    private double Ratio(double values, double direction) =>
        values == 0 || direction == 0 ? 1 : Math.Clamp(_coefficient * values / (direction + (_weightDecay * values)), _minimum, _maximum);
}
