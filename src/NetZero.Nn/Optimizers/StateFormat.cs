using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>How an elementwise optimizer keeps its moments. Whatever the format, updates are computed in fp32.</summary>
public enum StateFormat
{
    /// <summary>fp32: 4 bytes an element.</summary>
    F32,

    /// <summary>bfloat16: 2 bytes an element, rounded to nearest. A moment moves only where a step changes it by more than half of its last place (2^-9 of it).</summary>
    BF16,

    /// <summary>8-bit codes and one fp32 scale for each 256 elements: 1 + 1/64 bytes an element (Dettmers et al. 2022).</summary>
    Blocks8,
}

/// <summary>Facts about <see cref="StateFormat"/> values.</summary>
public static class StateFormats
{
    /// <summary>Bytes that a moment takes for each element.</summary>
    public static double BytesPerElement(this StateFormat format) =>
        new Moment("", Signed: true).Declare(format).Sum(state => state.DType.SizeInBytes() / (double)state.ElementsPerEntry);
}

/// <summary>A moment that an elementwise optimizer keeps.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Signed">Whether it may be negative; means of squares are not.</param>
internal readonly record struct Moment(string Name, bool Signed)
{
    /// <summary>What is kept for it.</summary>
    public IEnumerable<OptimizerState> Declare(StateFormat format) => format switch
    {
        StateFormat.F32 => [new(Name, DType.F32)],
        StateFormat.BF16 => [new(Name, DType.BF16)],
        StateFormat.Blocks8 => [new(Name, DType.U8), new($"{Name}_scale", DType.F32, FlatState.BlockElements)],
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown format."),
    };

    /// <summary>The same for a kernel: takes what <see cref="Declare"/> declared off the front of <paramref name="state"/>.</summary>
    public FlatState Take(StateFormat format, ref ReadOnlySpan<Tensor> state)
    {
        var taken = format == StateFormat.Blocks8 ? FlatState.Blocks(state[0], state[1], Signed) : FlatState.Of(state[0]);
        state = state[(format == StateFormat.Blocks8 ? 2 : 1)..];
        return taken;
    }
}
