using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Tests;

/// <summary>A test that needs instructions of the processor, and is reported as skipped where there are none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactOnAttribute : FactAttribute
{
    public FactOnAttribute(Instructions needed)
    {
        if (!AreThere(needed))
            Skip = $"This process has no {needed}: the processor lacks them or a setting turns them off.";
    }

    private static bool AreThere(Instructions needed) => needed switch
    {
        Instructions.Avx2 => Avx2.IsSupported,
        Instructions.Avx512 => Avx512F.IsSupported,
        Instructions.Tiles256 => TileVector256.IsSupported,
        Instructions.Tiles512 => TileVector512.IsSupported,
        _ => throw new ArgumentOutOfRangeException(nameof(needed), needed, "No such instructions."),
    };
}

/// <summary>What a <see cref="FactOnAttribute"/> asks for.</summary>
public enum Instructions
{
    Avx2,
    Avx512,

    /// <summary>What the 256-bit tiles of matrix multiplications run on.</summary>
    Tiles256,

    /// <summary>What the 512-bit tiles of matrix multiplications run on.</summary>
    Tiles512,
}
