namespace NetZero.Tensors.Cpu;

/// <summary>A formula y = f(x) of one element, for all vector widths. Its fields are its constants.</summary>
internal interface IUnaryRule
{
    /// <summary>f, lane by lane.</summary>
    T Invoke<T>(T x)
        where T : struct, ILanes<T>;

    /// <summary>f in double precision, as plainly as it can be written.</summary>
    double Reference(double x);
}

/// <summary>A formula y = f(a, b) of one element, for all vector widths. Backward rules take (x, dy) or (y, dy).</summary>
internal interface IBinaryRule
{
    /// <inheritdoc cref="IUnaryRule.Invoke{T}(T)"/>
    T Invoke<T>(T a, T b)
        where T : struct, ILanes<T>;

    /// <inheritdoc cref="IUnaryRule.Reference(double)"/>
    double Reference(double a, double b);
}

/// <summary>A formula y = f(a, b, c) of one element, for all vector widths.</summary>
internal interface ITernaryRule
{
    /// <inheritdoc cref="IUnaryRule.Invoke{T}(T)"/>
    T Invoke<T>(T a, T b, T c)
        where T : struct, ILanes<T>;

    /// <inheritdoc cref="IUnaryRule.Reference(double)"/>
    double Reference(double a, double b, double c);
}
