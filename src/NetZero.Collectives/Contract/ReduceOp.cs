namespace NetZero.Collectives;

/// <summary>How a reduction combines the ranks' elements.</summary>
public enum ReduceOp
{
    /// <summary>The sum, along the canonical tree over rank indices.</summary>
    Sum,

    /// <summary>The sum, multiplied once by 1/N after it is complete. Floating-point types only.</summary>
    Average,

    /// <summary>The largest; NaN if any rank has NaN.</summary>
    Max,

    /// <summary>The smallest; NaN if any rank has NaN.</summary>
    Min,
}
