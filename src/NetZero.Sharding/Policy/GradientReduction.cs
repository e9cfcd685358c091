namespace NetZero.Sharding;

/// <summary>When gradients are reduced over ranks if a step has several micro-batches.</summary>
public enum GradientReduction
{
    /// <summary>After each one, then added to the sum in order: least memory.</summary>
    EachMicroBatch,

    /// <summary>Added up locally and reduced after the last: least traffic, but each rank holds whole gradients meanwhile.</summary>
    LastMicroBatch,
}
