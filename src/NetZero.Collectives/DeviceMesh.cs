namespace NetZero.Collectives;

/// <summary>The ranks laid out along named axes, such as 2 x 4 over <c>replicate</c> and <c>shard</c>; each axis has a group.</summary>
/// <remarks>
/// Ranks are laid out row-major: the last axis is contiguous. The group of an axis holds the ranks that differ from this one along that
/// axis only, so every rank is in one group per axis. Groups of power-of-two size are subtrees of the canonical summation tree when the
/// last axes are reduced first: a reduction within, then across, equals the flat one bit for bit.
/// </remarks>
public sealed class DeviceMesh
{
    private readonly string[] _axes;
    private readonly int[] _shape;
    private readonly int[] _coordinates;
    private readonly ProcessGroup[] _groups;

    /// <summary>A mesh of one axis over all ranks of a group.</summary>
    public DeviceMesh(ProcessGroup group, string axis = "shard")
        : this(group, [group.Size], [axis])
    {
    }

    /// <summary>Lays out the ranks of a group. Every rank makes the same mesh.</summary>
    /// <param name="group">All ranks of the mesh.</param>
    /// <param name="shape">Ranks along each axis; the product is the group's size.</param>
    /// <param name="axes">The axes' names, in the order of <paramref name="shape"/>.</param>
    /// <exception cref="ArgumentException">Shape, names and group do not fit together.</exception>
    public DeviceMesh(ProcessGroup group, ReadOnlySpan<int> shape, ReadOnlySpan<string> axes)
    {
        if (shape.Length == 0 || shape.Length != axes.Length)
            throw new ArgumentException($"DeviceMesh: {shape.Length} sizes for {axes.Length} axes; give each axis a name and a size.", nameof(shape));
        long ranks = 1;
        foreach (var size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, nameof(shape));
            ranks *= size;
        }

        if (ranks != group.Size)
        {
            throw new ArgumentException(
                $"DeviceMesh: the shape ({string.Join(" x ", shape.ToArray())}) has {ranks} ranks, the group has {group.Size}; they must be equal.",
                nameof(shape));
        }

        Group = group;
        _shape = shape.ToArray();
        _axes = axes.ToArray();
        if (_axes.Distinct().Count() != _axes.Length)
            throw new ArgumentException($"DeviceMesh: axes must have different names, found {string.Join(", ", _axes)}.", nameof(axes));

        _coordinates = new int[shape.Length];
        for (int axis = shape.Length - 1, rest = group.Rank; axis >= 0; rest /= shape[axis], axis--)
            _coordinates[axis] = rest % shape[axis];
        _groups = new ProcessGroup[shape.Length];
        for (int axis = shape.Length - 1, stride = 1; axis >= 0; stride *= shape[axis], axis--)
            _groups[axis] = shape[axis] == group.Size ? group : group.CreateSubgroup(_axes[axis], RanksAlong(axis, stride));
    }

    /// <summary>All ranks of the mesh.</summary>
    public ProcessGroup Group { get; }

    /// <summary>The axes' names.</summary>
    public IReadOnlyList<string> Axes => _axes;

    /// <summary>Ranks along each axis.</summary>
    public IReadOnlyList<int> Shape => _shape;

    /// <summary>This rank's index along each axis.</summary>
    public IReadOnlyList<int> Coordinates => _coordinates;

    /// <summary>The group of an axis.</summary>
    /// <exception cref="ArgumentException">There is no such axis.</exception>
    public ProcessGroup this[string axis]
    {
        get
        {
            var index = Array.IndexOf(_axes, axis);
            return index >= 0
                ? _groups[index]
                : throw new ArgumentException($"DeviceMesh: there is no axis '{axis}'; the axes are {string.Join(", ", _axes)}.", nameof(axis));
        }
    }

    private int[] RanksAlong(int axis, int stride)
    {
        var first = Group.Rank - (_coordinates[axis] * stride);
        return [.. Enumerable.Range(0, _shape[axis]).Select(i => first + (i * stride))];
    }
}
