namespace NetZero.Tensors;

/// <summary>
/// Where an optimizer keeps one number for each element of a shard, and in which format: fp32, bfloat16, 8-bit codes with one scale for
/// each block, or, to be read only, as the product of a factor of the element's row and one of its column.
/// </summary>
/// <remarks>Kernels compute in fp32 whatever the format: what is stored is widened on the way in and rounded to nearest on the way out.</remarks>
public readonly unsafe struct FlatState
{
    /// <summary>Elements that share a scale in the 8-bit format: the alignment of shards, so that a block never straddles two ranks.</summary>
    public const int BlockElements = 256;

    private readonly BlockCode? _code;

    // On Meta there is no address that would tell.
    private readonly bool _exists;

    private FlatState(void* data, DType dtype, float* scales = null, BlockCode? code = null, long columns = 0, long first = 0)
    {
        Data = data;
        DType = dtype;
        Scales = scales;
        _code = code;
        _exists = true;
        Columns = columns;
        First = first;
    }

    /// <summary>No state: it reads as zero and is not written.</summary>
    public static FlatState None => default;

    internal void* Data { get; }

    internal DType DType { get; }

    internal float* Scales { get; }

    internal BlockCode Code => _code!;

    /// <summary>Elements of a row, where an element is the product of a row's factor and a column's; 0 elsewhere.</summary>
    internal long Columns { get; }

    /// <summary>The element of the matrix that lies at element 0 of the shard, or would lie there.</summary>
    internal long First { get; }

    /// <summary>Bytes of an element with its part of a scale; 0 where there is no state, or next to none.</summary>
    internal double ElementBytes => !_exists || Columns > 0
        ? 0
        : DType.SizeInBytes() + (_code is null ? 0 : (double)sizeof(float) / BlockElements);

    /// <summary>Whether kernels can work in place.</summary>
    internal bool IsFloat => DType == DType.F32 && Columns == 0;

    /// <summary>
    /// Lists where it lies (0 where there is none), its type, its scales if it is kept in blocks, and whether the codes of these are
    /// signed. Of factors: where those of columns lie, their type, where those of rows lie, false; in all cases <see cref="Columns"/> and
    /// <see cref="First"/> follow.
    /// </summary>
    internal void Describe(ref KernelArguments arguments)
    {
        arguments.Add(Data);
        arguments.Add(DType);
        arguments.Add(Scales);
        arguments.Add(ReferenceEquals(_code, BlockCode.Signed));
        arguments.Add(Columns);
        arguments.Add(First);
    }

    /// <summary>fp32 values, by element 0.</summary>
    public static FlatState Floats(float* values) => new(values, DType.F32);

    /// <summary>One number for each element, in F32 or BF16. [n]</summary>
    public static FlatState Of(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.DType switch
        {
            DType.F32 => Floats(values.Data<float>()),
            DType.BF16 => new(values.Data<BFloat16>(), DType.BF16),
            var other => throw new ArgumentException($"Optimizer state of one number an element is kept in F32 or BF16, not in {other}."),
        };
    }

    /// <summary>8-bit codes with one scale for each block of <see cref="BlockElements"/> (Dettmers et al. 2022, "8-bit Optimizers via Block-wise Quantization").</summary>
    /// <param name="codes">[n] of U8; zeros read as zero under a scale of zero.</param>
    /// <param name="scales">[n / 256] of F32: the largest magnitude of each block.</param>
    /// <param name="signed">Whether values may be negative; a state of squares is not, and has twice the codes.</param>
    public static FlatState Blocks(Tensor codes, Tensor scales, bool signed)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(scales);
        return new(codes.Data<byte>(), DType.U8, scales.Data<float>(), signed ? BlockCode.Signed : BlockCode.Unsigned);
    }

    /// <summary>Products of a factor of the row and one of the column, which kernels read and never write.</summary>
    /// <param name="rows">A factor for each row, from row 0 on; null is 1.</param>
    /// <param name="columns">A factor for each column.</param>
    /// <param name="columnCount">How many columns.</param>
    /// <param name="first">
    /// The element of the matrix that lies at element 0 of the shard; negative where the matrix begins behind it.
    /// </param>
    public static FlatState Factors(float* rows, float* columns, long columnCount, long first) =>
        new(columns, DType.F32, rows, null, columnCount, first);
}
