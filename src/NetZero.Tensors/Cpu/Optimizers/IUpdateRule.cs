using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>What an elementwise optimizer does to one vector of elements.</summary>
internal interface IUpdateRule
{
    /// <summary>How many numbers it keeps for each element: 0, 1 or 2.</summary>
    static abstract int States { get; }

    /// <summary>Updates values and states. Each lane depends on its operands only.</summary>
    /// <param name="p">The values.</param>
    /// <param name="g">Their gradients, scaled.</param>
    /// <param name="first">The first state, where there is one.</param>
    /// <param name="second">The second state, where there is one.</param>
    void Apply<T>(ref T p, T g, ref T first, ref T second)
        where T : struct, ILanes<T>;
}
