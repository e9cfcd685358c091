using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Tests;

/// <summary>An array of floats that kernels can point into.</summary>
public sealed unsafe class PinnedFloats
{
    private readonly float[] _values;

    public PinnedFloats(long length, float fill = 0)
    {
        Length = (int)length;
        _values = GC.AllocateUninitializedArray<float>(Math.Max(1, Length), pinned: true);
        _values.AsSpan().Fill(fill);
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

    public float* Pointer => (float*)Unsafe.AsPointer(ref _values[0]);

    public Span<float> Span => _values.AsSpan(0, Length);

    public ref float this[long index] => ref _values[index];

    public PinnedFloats Copy()
    {
        var copy = new PinnedFloats(Length);
        Span.CopyTo(copy.Span);
        return copy;
    }

    public float[] ToArray() => Span.ToArray();
}
