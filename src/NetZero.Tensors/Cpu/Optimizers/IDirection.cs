using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>What a layer-wise optimizer measures beside the values: for a vector of elements, where they would go.</summary>
internal interface IDirection
{
    /// <summary>How many states it reads: 0, 1 or 2.</summary>
    static abstract int States { get; }

    /// <summary>The direction.</summary>
    /// <param name="p">The values.</param>
    /// <param name="g">Their gradients, scaled.</param>
    /// <param name="m">The first state, where it is read.</param>
    /// <param name="v">The second state, where it is read.</param>
    T Of<T>(T p, T g, T m, T v)
        where T : struct, ILanes<T>;
}
