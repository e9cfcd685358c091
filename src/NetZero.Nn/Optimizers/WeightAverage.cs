using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>The exponential moving average of the values, beside each shard in fp32: after update t, a += (1 - d) (p - a) with d the smaller of the decay and (1 + t) / (10 + t).</summary>
/// <remarks>The second bound lets a young average forget where training began (TensorFlow's ExponentialMovingAverage with <c>num_updates</c>). It begins at the values before the first update.</remarks>
internal sealed class WeightAverage(double decay)
{
    /// <summary>What is kept.</summary>
    public static OptimizerState State { get; } = new("ema", DType.F32);

    /// <summary>Takes the values before a shard's first update.</summary>
    public static void Begin(FlatShard shard, Tensor average) => average.CopyFrom(shard.Values);

    /// <summary>Follows an update.</summary>
    /// <param name="shard">The values.</param>
    /// <param name="average">Their average.</param>
    /// <param name="step">Which update it was, from 1.</param>
    /// <param name="gradientScale">What the update was given: where its second element left the update out, the average stays as it is.</param>
    public void Follow(FlatShard shard, Tensor average, long step, Tensor? gradientScale) => average.Context.Launch(new AverageKernel(
        FlatStretch.Of(average, shard.Values, 0, average.Elements, gradientScale).Unscaled(), Math.Min(decay, (1.0 + step) / (10 + step))));

    /// <summary>Puts the average where the values are, and the values where the average was.</summary>
    public static void Exchange(FlatShard shard, Tensor average)
    {
        var values = shard.Values;
        average.Context.Launch(new ExchangeKernel(FlatStretch.Of(values, values, 0, values.Elements, null), FlatState.Of(average)));
    }
}
