namespace NetZero.Tensors.Cpu;

/// <summary>destination[view] = source[view]: any strides on both sides, any element type.</summary>
/// <remarks>
/// Rows that are contiguous on both sides are copied whole. Where the source runs along another dimension than the destination (a
/// transpose), a band of <see cref="Band"/> source rows is copied at a time, so that each cache line read is used up while it is there.
/// </remarks>
internal readonly unsafe struct StridedCopyKernel : IKernel
{
    // 16 floats are one cache line of the source. More would write to more rows at a time than caches hold apart when rows are powers of
    // two.
    private const int Band = 16;

    private readonly byte* _source;
    private readonly byte* _destination;
    private readonly int _elementBytes;
    private readonly int _dims;
    private readonly Longs _extents;
    private readonly Longs _sourceStrides;
    private readonly Longs _destinationStrides;

    /// <summary>The tensors have one shape and type; no two elements of the destination are the same memory.</summary>
    public StridedCopyKernel(Tensor source, Tensor destination)
        : this(source.Bytes(), destination.Bytes(), source.DType.SizeInBytes(), source.Shape.Extents, source.Strides, destination.Strides)
    {
    }

    /// <summary>Strides are in elements.</summary>
    public StridedCopyKernel(
        byte* source,
        byte* destination,
        int elementBytes,
        ReadOnlySpan<long> extents,
        ReadOnlySpan<long> sourceStrides,
        ReadOnlySpan<long> destinationStrides)
    {
        StridedPlan.CheckDims(extents);
        _source = source;
        _destination = destination;
        _elementBytes = elementBytes;
        _dims = extents.Length;
        extents.CopyTo(_extents);
        sourceStrides.CopyTo(_sourceStrides);
        destinationStrides.CopyTo(_destinationStrides);

        // The dimension that the destination runs along is walked innermost.
        for (var i = 0; i < _dims - 1; i++)
        {
            if (_destinationStrides[i] == 1 && _extents[i] > 1 && _destinationStrides[_dims - 1] != 1)
            {
                Swap(ref _extents, i, _dims - 1);
                Swap(ref _sourceStrides, i, _dims - 1);
                Swap(ref _destinationStrides, i, _dims - 1);
            }
        }
    }

    /// <inheritdoc/>
    public DType DType => DTypes.OfWidth(_elementBytes);

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(_source);
        arguments.Add(_destination);
        arguments.Add(_elementBytes);
        arguments.Add(_extents[.._dims]);
        arguments.Add(_sourceStrides[.._dims]);
        arguments.Add(_destinationStrides[.._dims]);
    }

    /// <inheritdoc/>
    public KernelWork Work
    {
        get
        {
            var bytes = 2.0 * _elementBytes;
            for (var i = 0; i < _dims; i++)
                bytes *= _extents[i];
            return new KernelWork(0, bytes);
        }
    }

    public void Run(WorkerPool workers)
    {
        var across = DimAcross();
        if (across < 0)
        {
            Launch(workers, across, 1, 0, 1);
            return;
        }

        var bands = _extents[across] / Band;
        Launch(workers, across, bands, 0, Band);
        var rest = _extents[across] - (bands * Band);
        if (rest > 0)
            Launch(workers, across, 1, bands * Band, (int)rest);
    }

    private static void Swap(ref Longs longs, int i, int j) => (longs[i], longs[j]) = (longs[j], longs[i]);

    // The dimension along which the source is contiguous, if that is not the innermost one; -1 if it is, or if there is none.
    private int DimAcross()
    {
        var inner = _dims - 1;
        while (inner >= 0 && _extents[inner] == 1)
            inner--;
        if (inner <= 0 || _sourceStrides[inner] == 1)
            return -1;
        for (var i = inner - 1; i >= 0; i--)
            if (_sourceStrides[i] == 1 && _extents[i] > 1)
                return i;
        return -1;
    }

    // Walks bands of `rows` indices of dimension `across` as if they were one index; from `start` on.
    private void Launch(WorkerPool workers, int across, long bands, long start, int rows)
    {
        var (extents, sourceStrides, destinationStrides) = (_extents, _sourceStrides, _destinationStrides);
        var body = new Body { Source = _source, Destination = _destination, ElementBytes = _elementBytes, Rows = rows };
        if (across >= 0)
        {
            extents[across] = bands;
            sourceStrides[across] *= rows;
            destinationStrides[across] *= rows;
            body.Source += start * _sourceStrides[across] * _elementBytes;
            body.Destination += start * _destinationStrides[across] * _elementBytes;
            body.DestinationRowStride = _destinationStrides[across];
        }

        ReadOnlySpan<long> shape = extents;
        body.Plan = StridedPlan.Strided(shape[.._dims], destinationStrides, sourceStrides, weight: rows);
        workers.For(body.Plan.Tasks, ref body);
    }

    private struct Body : IParallelBody
    {
        public byte* Source;
        public byte* Destination;
        public int ElementBytes;
        public int Rows;
        public long DestinationRowStride;
        public StridedPlan Plan;

        public readonly void Run(long index, int worker)
        {
            var segment = Plan.First(index);
            do
            {
                switch (ElementBytes)
                {
                    case 1: Copy<byte>(segment); break;
                    case 2: Copy<ushort>(segment); break;
                    case 4: Copy<uint>(segment); break;
                    default: Copy<ulong>(segment); break;
                }
            }
            while (Plan.Next(ref segment));
        }

        private readonly void Copy<T>(in StridedSegment at)
            where T : unmanaged
        {
            var source = (T*)Source + at.Offset1;
            var destination = (T*)Destination + at.Offset0;
            var (sourceStride, destinationStride) = (Plan.RowStride(1), Plan.RowStride(0));
            if (Rows > 1)
            {
                for (long i = 0; i < at.Count; i++, source += sourceStride, destination += destinationStride)
                    for (var row = 0; row < Rows; row++)
                        destination[row * DestinationRowStride] = source[row];
            }
            else if (sourceStride == 1 && destinationStride == 1)
            {
                Buffer.MemoryCopy(source, destination, at.Count * sizeof(T), at.Count * sizeof(T));
            }
            else
            {
                for (long i = 0; i < at.Count; i++)
                    destination[i * destinationStride] = source[i * sourceStride];
            }
        }
    }
}
