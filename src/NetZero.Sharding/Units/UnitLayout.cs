using NetZero.Nn;

namespace NetZero.Sharding;

/// <summary>Where the parameters of a unit lie in its flat buffer, and which slice belongs to which rank. Pure arithmetic; the same on every rank and at every stage.</summary>
/// <remarks>
/// Parameters follow one another without gaps, in order of registration. The buffer is padded so that every rank's slice has the same length, a multiple of
/// <see cref="AlignmentElements"/>; so padding is below one alignment a rank.
/// </remarks>
public sealed class UnitLayout
{
    /// <summary>Slices begin at multiples of this many elements: 1 KiB of fp32, a multiple of every vector length and of later quantisation blocks.</summary>
    public const int AlignmentElements = 256;

    internal UnitLayout(string name, IReadOnlyList<(string Name, Parameter Parameter)> parameters, int worldSize)
    {
        Name = name;
        WorldSize = worldSize;
        var placements = new List<ParameterPlacement>(parameters.Count);
        long offset = 0;
        foreach (var (parameterName, parameter) in parameters)
        {
            placements.Add(new ParameterPlacement(parameterName, parameter, offset));
            offset += parameter.Shape.Elements;
        }

        Placements = placements;
        Elements = offset;
        var perRank = (offset + worldSize - 1) / worldSize;
        ShardElements = (perRank + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
    }

    /// <summary>The unit's name: that of its module, or "root".</summary>
    public string Name { get; }

    /// <summary>How many ranks share it.</summary>
    public int WorldSize { get; }

    /// <summary>The parameters in order.</summary>
    public IReadOnlyList<ParameterPlacement> Placements { get; }

    /// <summary>Elements of all parameters together.</summary>
    public long Elements { get; }

    /// <summary>Elements of one rank's slice.</summary>
    public long ShardElements { get; }

    /// <summary>Elements of the flat buffer: all slices.</summary>
    public long PaddedElements => ShardElements * WorldSize;

    /// <summary>Bytes of the flat buffer in fp32.</summary>
    public long PaddedBytes => PaddedElements * sizeof(float);

    /// <summary>Where the slice of <paramref name="rank"/> begins in the flat buffer.</summary>
    public long ShardStart(int rank) => rank * ShardElements;

    /// <summary>The parts of parameters that lie in a stretch of the flat buffer; starts count from the stretch's beginning.</summary>
    public IReadOnlyList<FlatRange> Ranges(long start, long length)
    {
        var ranges = new List<FlatRange>();
        foreach (var placement in Placements)
        {
            var from = Math.Max(start, placement.Offset);
            var to = Math.Min(start + length, placement.Offset + placement.Parameter.Shape.Elements);
            if (from < to)
                ranges.Add(new FlatRange(placement.Name, placement.Parameter, from - placement.Offset, from - start, to - from));
        }

        return ranges;
    }
}

/// <summary>One parameter in a flat buffer.</summary>
/// <param name="Name">The full name.</param>
/// <param name="Parameter">The parameter.</param>
/// <param name="Offset">The element of the flat buffer it begins with.</param>
public sealed record ParameterPlacement(string Name, Parameter Parameter, long Offset);
