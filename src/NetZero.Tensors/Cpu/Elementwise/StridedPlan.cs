namespace NetZero.Tensors.Cpu;

/// <summary>
/// How an elementwise kernel walks its operands: the shape with dimensions merged where all operands allow it, each operand's strides, and
/// how the work is cut into tasks.
/// </summary>
/// <remarks>
/// Operand 0 is the output. A stride of 0 repeats an element (broadcasting). The innermost merged dimension is a row; tasks are whole rows
/// or parts of one row of about <see cref="ElementsPerTask"/> elements: fixed by the shape, whatever the number of threads.
/// </remarks>
internal struct StridedPlan
{
    /// <summary>The most dimensions that an operand may have.</summary>
    public const int MaxDims = 8;

    /// <summary>The most operands: an output and three inputs.</summary>
    public const int MaxOperands = 4;

    /// <summary>
    /// 64 KiB of floats: large enough that handing out a task costs nothing beside it, small enough for a core's L2 with four operands.
    /// </summary>
    public const long ElementsPerTask = 16 * 1024;

    private Longs _extents;
    private Longs _strides0;
    private Longs _strides1;
    private Longs _strides2;
    private Longs _strides3;
    private int _dims;

    /// <summary>The elements of a row.</summary>
    public long RowLength { get; private set; }

    /// <summary>The number of rows.</summary>
    public long Rows { get; private set; }

    /// <summary>How many rows a task takes; 1 where rows are cut.</summary>
    public long RowsPerTask { get; private set; }

    /// <summary>How many tasks share a row.</summary>
    public long TasksPerRow { get; private set; }

    /// <summary>The number of tasks.</summary>
    public long Tasks { get; private set; }

    /// <summary>The plan of contiguous operands of one length.</summary>
    public static StridedPlan Flat(long elements)
    {
        var plan = default(StridedPlan);
        plan._dims = 1;
        plan._extents[0] = elements;
        plan._strides0[0] = plan._strides1[0] = plan._strides2[0] = plan._strides3[0] = 1;
        plan.Cut();
        return plan;
    }

    /// <summary>
    /// The plan of operands that are read (and operand 0 written) as one shape; unused operands repeat the output's strides.
    /// </summary>
    /// <param name="extents">The shape.</param>
    /// <param name="strides0">Of the output, in elements.</param>
    /// <param name="strides1">Of the first input.</param>
    /// <param name="strides2">Of the second input.</param>
    /// <param name="strides3">Of the third input.</param>
    /// <param name="weight">How many elements stand behind each of the plan's, for the cut into tasks.</param>
    /// <exception cref="NotSupportedException">More than <see cref="MaxDims"/> dimensions.</exception>
    public static StridedPlan Strided(
        ReadOnlySpan<long> extents,
        ReadOnlySpan<long> strides0,
        ReadOnlySpan<long> strides1,
        ReadOnlySpan<long> strides2 = default,
        ReadOnlySpan<long> strides3 = default,
        int weight = 1)
    {
        CheckDims(extents);
        var plan = default(StridedPlan);
        strides2 = strides2.IsEmpty ? strides0 : strides2;
        strides3 = strides3.IsEmpty ? strides0 : strides3;
        for (var i = 0; i < extents.Length; i++)
            if (extents[i] != 1)
                plan.Append(extents[i], strides0[i], strides1[i], strides2[i], strides3[i]);
        if (plan._dims == 0)
            plan.Append(1, 1, 1, 1, 1);
        plan.Cut(weight);
        return plan;
    }

    /// <summary>Refuses shapes with too many dimensions.</summary>
    /// <exception cref="NotSupportedException">More than <see cref="MaxDims"/> dimensions.</exception>
    public static void CheckDims(ReadOnlySpan<long> extents)
    {
        if (extents.Length > MaxDims)
        {
            throw new NotSupportedException(
                $"Elementwise kernels and copies take at most {MaxDims} dimensions; "
                + $"the shape [{string.Join(", ", extents.ToArray())}] has {extents.Length}. Reshape it.");
        }
    }

    /// <summary>Lists the merged extents, outermost first, and the strides of each operand, the output first.</summary>
    public readonly void Describe(ref KernelArguments arguments, int operands)
    {
        var extents = _extents;
        arguments.Add(extents[.._dims]);
        for (var operand = 0; operand < operands; operand++)
        {
            var strides = Strides(operand);
            arguments.Add(strides[.._dims]);
        }
    }

    /// <summary>Between neighbours of a row, in elements of the operand.</summary>
    public readonly long RowStride(int operand) => Strides(operand)[_dims - 1];

    /// <summary>Starts the walk over the rows of a task.</summary>
    public readonly StridedSegment First(long task)
    {
        var segment = default(StridedSegment);
        var row = task;
        segment.Count = RowLength;
        segment.RowsLeft = 1;
        if (TasksPerRow > 1)
        {
            row = task / TasksPerRow;
            var start = task % TasksPerRow * ElementsPerTask;
            segment.Count = Math.Min(ElementsPerTask, RowLength - start);
            segment.Offset0 = start * RowStride(0);
            segment.Offset1 = start * RowStride(1);
            segment.Offset2 = start * RowStride(2);
            segment.Offset3 = start * RowStride(3);
        }
        else
        {
            row *= RowsPerTask;
            segment.RowsLeft = Math.Min(RowsPerTask, Rows - row);
        }

        for (var i = _dims - 2; i >= 0; i--)
        {
            segment.Index[i] = row % _extents[i];
            row /= _extents[i];
            Move(ref segment, i, segment.Index[i]);
        }

        return segment;
    }

    /// <summary>Moves to the next row of the task; false when there is none.</summary>
    public readonly bool Next(ref StridedSegment segment)
    {
        if (--segment.RowsLeft == 0)
            return false;
        for (var i = _dims - 2; i >= 0; i--)
        {
            Move(ref segment, i, 1);
            if (++segment.Index[i] < _extents[i])
                break;
            Move(ref segment, i, -_extents[i]);
            segment.Index[i] = 0;
        }

        return true;
    }

    private readonly void Move(ref StridedSegment segment, int dim, long steps)
    {
        segment.Offset0 += steps * _strides0[dim];
        segment.Offset1 += steps * _strides1[dim];
        segment.Offset2 += steps * _strides2[dim];
        segment.Offset3 += steps * _strides3[dim];
    }

    private readonly Longs Strides(int operand) => operand switch
    {
        0 => _strides0,
        1 => _strides1,
        2 => _strides2,
        _ => _strides3,
    };

    // Merges the new inner dimension into the one before where every operand's elements go on without a jump.
    private void Append(long extent, long stride0, long stride1, long stride2, long stride3)
    {
        var last = _dims - 1;
        if (_dims > 0 && _strides0[last] == extent * stride0 && _strides1[last] == extent * stride1
            && _strides2[last] == extent * stride2 && _strides3[last] == extent * stride3)
        {
            _extents[last] *= extent;
        }
        else
        {
            last = _dims++;
            _extents[last] = extent;
        }

        _strides0[last] = stride0;
        _strides1[last] = stride1;
        _strides2[last] = stride2;
        _strides3[last] = stride3;
    }

    private void Cut(int weight = 1)
    {
        RowLength = _extents[_dims - 1];
        Rows = 1;
        for (var i = 0; i < _dims - 1; i++)
            Rows *= _extents[i];
        TasksPerRow = Math.Max(1, (RowLength + ElementsPerTask - 1) / ElementsPerTask);
        RowsPerTask = Math.Max(1, ElementsPerTask / Math.Max(1, RowLength * weight));
        Tasks = RowLength == 0 ? 0 : (Rows + RowsPerTask - 1) / RowsPerTask * TasksPerRow;
    }
}

/// <summary>Where a walk over a <see cref="StridedPlan"/> stands: a row or a part of one.</summary>
internal struct StridedSegment
{
    public Longs Index;
    public long Offset0;
    public long Offset1;
    public long Offset2;
    public long Offset3;
    public long Count;
    public long RowsLeft;
}
