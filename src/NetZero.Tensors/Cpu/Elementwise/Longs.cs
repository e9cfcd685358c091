using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>Extents or strides by value, so that a kernel call allocates nothing.</summary>
[InlineArray(StridedPlan.MaxDims)]
internal struct Longs
{
    private long _first;
}
