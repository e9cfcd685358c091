using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NetZero.Collectives;

/// <summary>Copies of more than the caches hold: they go around them.</summary>
/// <remarks>A plain store makes the processor fetch the line that it overwrites, a third of a copy's traffic; a store around the caches does not.</remarks>
internal static unsafe class LargeCopy
{
    /// <summary>From this size of a result on: half the last-level cache of the processors at hand, whose other half the sources take.</summary>
    public const long AroundBytes = 16 << 20;

    /// <summary>Copies, around the caches if that is asked for and the processor can.</summary>
    public static void Copy(void* from, void* to, long bytes, bool around)
    {
        if (around && Vector256.IsHardwareAccelerated)
            Around((byte*)from, (byte*)to, bytes);
        else
            Buffer.MemoryCopy(from, to, bytes, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Around(byte* from, byte* to, long bytes)
    {
        const int width = 32;
        var head = Math.Min(bytes, (width - ((long)to & (width - 1))) & (width - 1));
        Buffer.MemoryCopy(from, to, head, head);
        var i = head;
        for (; i <= bytes - (4 * width); i += 4 * width)
        {
            var (a, b) = (Vector256.Load(from + i), Vector256.Load(from + i + width));
            var (c, d) = (Vector256.Load(from + i + (2 * width)), Vector256.Load(from + i + (3 * width)));
            a.StoreAlignedNonTemporal(to + i);
            b.StoreAlignedNonTemporal(to + i + width);
            c.StoreAlignedNonTemporal(to + i + (2 * width));
            d.StoreAlignedNonTemporal(to + i + (3 * width));
        }

        Buffer.MemoryCopy(from + i, to + i, bytes - i, bytes - i);

        // Such stores may pass later ones; who reads the result is told of it after this.
        Interlocked.MemoryBarrier();
    }
}
