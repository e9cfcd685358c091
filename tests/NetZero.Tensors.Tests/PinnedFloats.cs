using System.Runtime.InteropServices;

namespace NetZero.Tensors.Tests;

/// <summary>Floats that kernels can point into.</summary>
/// <remarks>
/// The memory is never freed. The compiler ends an object's life at its last use, which may well be where a test takes the pointer; memory
/// that went with the object would be gone, or another test's, while the kernel still runs. All tests together take less than 200 MB.
/// </remarks>
public sealed unsafe class PinnedFloats
{
    public PinnedFloats(long length, float fill = 0)
    {
        Length = (int)length;
        Pointer = (float*)NativeMemory.Alloc((nuint)Math.Max(1, Length), sizeof(float));
        Span.Fill(fill);
    }

    /// <summary>Reproducible values spread over [-1, 1), times a scale.</summary>
    public static PinnedFloats Random(long length, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var floats = new PinnedFloats(length);
        for (var i = 0; i < length; i++)
            floats[i] = ((2 * random.NextSingle()) - 1) * scale;
        return floats;
    }

    public int Length { get; }

    public float* Pointer { get; }

    public Span<float> Span => new(Pointer, Length);

    public ref float this[long index] => ref Span[checked((int)index)];

    public PinnedFloats Copy()
    {
        var copy = new PinnedFloats(Length);
        Span.CopyTo(copy.Span);
        return copy;
    }

    public float[] ToArray() => Span.ToArray();
}
