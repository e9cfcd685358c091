namespace NetZero.Sharding;

/// <summary>How the length of all gradients together is measured.</summary>
public enum NormKind
{
    /// <summary>The square root of the sum of squares.</summary>
    Two,

    /// <summary>The sum of magnitudes.</summary>
    One,

    /// <summary>The largest magnitude.</summary>
    Infinity,
}
