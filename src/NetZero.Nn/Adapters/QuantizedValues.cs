using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Codes of what another source gives, for parameters that hold codes; what the other source gives, for the others.</summary>
/// <remarks>
/// Any range of codes is made from the groups that it touches, so a rank reads the values of its shard and of at most one group more at either end. Codes are given as the numbers from 0 to 255.
/// </remarks>
/// <param name="Values">Gives values.</param>
public sealed record QuantizedValues(IParameterSource Values) : IParameterSource
{
    /// <inheritdoc/>
    public void Read(string name, Parameter parameter, long first, Span<float> destination)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        if (parameter.Format is not { } format)
        {
            Values.Read(name, parameter, first, destination);
            return;
        }

        var elements = parameter.ValueShape.Elements;
        var groupBytes = BlockQuantization.Bytes(format, BlockQuantization.GroupElements);
        var values = new float[Math.Min(elements, BlockQuantization.GroupElements)];
        var codes = new byte[groupBytes];
        for (long done = 0; done < destination.Length;)
        {
            var group = (first + done) / groupBytes;
            var count = (int)Math.Min(BlockQuantization.GroupElements, elements - (group * BlockQuantization.GroupElements));
            Values.Read(name, parameter, group * BlockQuantization.GroupElements, values.AsSpan(0, count));
            var bytes = (int)BlockQuantization.Bytes(format, count);
            BlockQuantization.EncodeGroup(format, values.AsSpan(0, count), codes.AsSpan(0, bytes));
            var from = (int)(first + done - (group * groupBytes));
            var part = (int)Math.Min(bytes - from, destination.Length - done);
            for (var i = 0; i < part; i++)
                destination[(int)done + i] = codes[from + i];
            done += part;
        }
    }
}
