using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors.Tests;

/// <summary>
/// Every kernel multiplies and adds through these two families. Where the processor fuses, one rounding is right; where it does not, two are: one rounding there would
/// come from software, 60 to 90 times slower. The suite runs again with AVX2, and with it FMA, turned off (<see cref="OtherWidthsTests"/>).
/// </summary>
public unsafe class MultiplyAddTests
{
    // x² = 1 + 2^-11 + 2^-24, and its last term is half a unit in the last place of a float: to even, it goes away.
    private static readonly float X = 1 + MathF.Pow(2, -12);
    private static readonly float MinusRoundedSquare = -(1 + MathF.Pow(2, -11));
    private static readonly float OneRounding = MathF.Pow(2, -24);

    private static bool Fuses => Fma.IsSupported || AdvSimd.IsSupported;

    [Fact]
    public void Lanes_OfEveryWidth_FuseExactlyWhereTheHardwareDoes()
    {
        Check<Lanes1>();
        Check<Lanes4>();
        if (Lanes8.IsSupported)
            Check<Lanes8>();
        if (Lanes16.IsSupported)
            Check<Lanes16>();
    }

    [Fact]
    public void Tiles_OfEveryWidth_FuseExactlyWhereTheirInstructionsDo()
    {
        Assert.Equal(0, Tile<TileScalar, float>());
        Assert.Equal(AdvSimd.IsSupported ? OneRounding : 0, Tile<TileVector128, System.Runtime.Intrinsics.Vector128<float>>());
        if (TileVector256.IsSupported)
            Assert.Equal(OneRounding, Tile<TileVector256, System.Runtime.Intrinsics.Vector256<float>>());
        if (TileVector512.IsSupported)
            Assert.Equal(OneRounding, Tile<TileVector512, System.Runtime.Intrinsics.Vector512<float>>());
    }

    private static void Check<T>()
        where T : struct, ILanes<T>
    {
        var result = stackalloc float[16];
        T.Store(T.MultiplyAdd(T.Splat(X), T.Splat(X), T.Splat(MinusRoundedSquare)), result);
        for (var i = 0; i < T.Count; i++)
            Assert.Equal(Fuses ? OneRounding : 0, result[i]);
    }

    private static float Tile<T, TVector>()
        where T : struct, ITileVector<TVector>
        where TVector : unmanaged
    {
        var (x, c) = (X, MinusRoundedSquare);
        var result = stackalloc float[16];
        T.Store(T.MultiplyAdd(T.Broadcast(&x), T.Broadcast(&x), T.Broadcast(&c)), result);
        return result[0];
    }
}
