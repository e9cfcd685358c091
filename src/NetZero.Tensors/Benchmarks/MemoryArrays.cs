namespace NetZero.Tensors;

/// <summary>Arrays for <see cref="MemoryPass"/>, from the allocator that training uses (huge pages included), filled so that all pages are there.</summary>
internal sealed unsafe class MemoryArrays
{
    private readonly TensorContext _tensors;
    private readonly float*[] _arrays;

    /// <summary>Takes memory of a context, until that ends.</summary>
    /// <param name="tensors">Whose memory and threads are measured.</param>
    /// <param name="arrays">How many arrays, from 1 to 4; patterns that need more of them cannot be run.</param>
    /// <param name="bytes">The size of each, rounded up to 64.</param>
    public MemoryArrays(TensorContext tensors, int arrays, long bytes)
    {
        _tensors = tensors;
        Floats = MemoryLedger.Round(bytes) / sizeof(float);
        _arrays = new float*[4];
        for (var i = 0; i < arrays; i++)
            _arrays[i] = tensors.Full([Floats], 1, MemoryKind.Workspace).Keep().Data<float>();
    }

    /// <summary>Floats of each array.</summary>
    public long Floats { get; }

    /// <summary>The first float of an array.</summary>
    public float* this[int index] => _arrays[index];

    /// <summary>Bytes that one pass reads and writes.</summary>
    public long PassBytes(MemoryPattern pattern) => (long)Pass(pattern).Work.Bytes;

    /// <summary>The rate of a pattern in GB/s.</summary>
    public RateWithin Rate(MemoryPattern pattern) =>
        Turns.Of(1e-9 * PassBytes(pattern), () => _tensors.Launch(Pass(pattern)));

    private MemoryPass Pass(MemoryPattern pattern) => new(pattern, _arrays[0], _arrays[1], _arrays[2], _arrays[3], Floats);
}
