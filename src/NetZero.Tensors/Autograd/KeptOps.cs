namespace NetZero.Tensors;

/// <summary>Ops whose results a checkpoint keeps, so that its second run need not compute them again.</summary>
[Flags]
public enum KeptOps
{
    /// <summary>None: the second run computes everything.</summary>
    None = 0,

    /// <summary>Attention: its output and the logarithms of its denominators, for the work of T x T scores.</summary>
    Attention = 1,

    /// <summary>Matrix products: linear layers and <c>MatMul</c>.</summary>
    MatMul = 2,
}
