using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>
/// Where tensors of a state that have shapes of their own (<see cref="OptimizerState.Shapes"/>) lie in a unit's flat memory of it, and
/// which slice belongs to which rank. Pure arithmetic; the same on every rank.
/// </summary>
/// <remarks>
/// They follow one another without gaps, in the order of the unit's parameters. The memory is padded so that every rank's slice has the
/// same length, a multiple of <see cref="AlignmentElements"/>.
/// </remarks>
public sealed class StateLayout
{
    /// <summary>Slices begin at multiples of this many elements, as those of units do.</summary>
    public const int AlignmentElements = FlatState.BlockElements;

    private readonly Dictionary<string, long> _offsets = [];

    /// <summary>Lays a state of a unit out.</summary>
    /// <exception cref="ArgumentException">The state's entries follow the elements.</exception>
    public StateLayout(OptimizerState state, FlatUnit unit)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(unit);
        if (state.Shapes is not { } shapes)
            throw new ArgumentException($"'{state.Name}' has an entry for each element, and lies as these do.", nameof(state));
        var placements = new List<StatePlacement>();
        long offset = 0;
        foreach (var range in unit.Ranges)
        {
            _offsets[range.ParameterName] = offset;
            foreach (var (name, shape) in shapes(range.Parameter.Shape))
            {
                placements.Add(new StatePlacement(name, range.ParameterName, shape, offset));
                offset += shape.Elements;
            }
        }

        Placements = placements;
        Elements = offset;
        var perRank = (offset + unit.Ranks - 1) / unit.Ranks;
        SliceElements = (perRank + AlignmentElements - 1) / AlignmentElements * AlignmentElements;
        PaddedElements = SliceElements * unit.Ranks;
    }

    /// <summary>The tensors in order.</summary>
    public IReadOnlyList<StatePlacement> Placements { get; }

    /// <summary>Elements of all tensors together.</summary>
    public long Elements { get; }

    /// <summary>Elements of one rank's slice.</summary>
    public long SliceElements { get; }

    /// <summary>Elements of all slices.</summary>
    public long PaddedElements { get; }

    /// <summary>Where the tensors of a parameter begin, which follow one another.</summary>
    /// <exception cref="KeyNotFoundException">The unit has no such parameter.</exception>
    public long OffsetOf(string parameterName) => _offsets[parameterName];
}

/// <summary>A tensor of a state.</summary>
/// <param name="Name">What it is, such as <c>exp_avg_sq_row</c>.</param>
/// <param name="ParameterName">Whose.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">The element of the unit's memory that it begins with.</param>
public sealed record StatePlacement(string Name, string ParameterName, Shape Shape, long Offset);
