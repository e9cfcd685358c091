using System.Runtime.CompilerServices;

namespace NetZero.Tensors.Cpu;

/// <summary>destination[i] = source[i] as another element type, both contiguous.</summary>
/// <remarks>
/// Between floating-point types: to nearest, ties to even; NaN stays NaN, what is too large becomes infinite. Floating point to integers:
/// towards zero, saturating, NaN gives 0. Integers to floating point: to nearest, through F32. Integers to integers: the low bits.
/// </remarks>
internal readonly unsafe struct CastKernel(void* source, DType from, void* destination, DType to, long count) : IKernel, IParallelBody
{
    /// <inheritdoc/>
    public DType DType => from;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(source);
        arguments.Add(from);
        arguments.Add(destination);
        arguments.Add(to);
        arguments.Add(count);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, (double)count * (from.SizeInBytes() + to.SizeInBytes()));

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((count + StridedPlan.ElementsPerTask - 1) / StridedPlan.ElementsPerTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var end = Math.Min(count, (index + 1) * StridedPlan.ElementsPerTask);
        for (var i = index * StridedPlan.ElementsPerTask; i < end; i += Tile.Length)
        {
            var length = (int)Math.Min(Tile.Length, end - i);
            var read = (byte*)source + (i * from.SizeInBytes());
            var write = (byte*)destination + (i * to.SizeInBytes());
            if (from.IsFloatingPoint() || to.IsFloatingPoint())
                ThroughFloats(read, write, length);
            else
                ThroughLongs(read, write, length);
        }
    }

    // The tile is written before it is read.
    [SkipLocalsInit]
    private void ThroughFloats(byte* read, byte* write, int length)
    {
        var tile = stackalloc float[Tile.Length];
        var floats = from == DType.F32 ? (float*)read : to == DType.F32 ? (float*)write : tile;
        switch (from)
        {
            case DType.F32: break;
            case DType.BF16: HalfFormats.WidenBFloat16((ushort*)read, floats, length); break;
            case DType.F16: HalfFormats.WidenHalf((ushort*)read, floats, length); break;
            case DType.I32: Each((int*)read, floats, length); break;
            case DType.I64: Each((long*)read, floats, length); break;
            default: Each(read, floats, length); break;
        }

        switch (to)
        {
            case DType.F32: break;
            case DType.BF16: HalfFormats.NarrowToBFloat16(floats, (ushort*)write, length); break;
            case DType.F16: HalfFormats.NarrowToHalf(floats, (ushort*)write, length); break;
            case DType.I32: Saturate(floats, (int*)write, length); break;
            case DType.I64: Saturate(floats, (long*)write, length); break;
            default: Saturate(floats, write, length); break;
        }
    }

    private void ThroughLongs(byte* read, byte* write, int length)
    {
        for (var i = 0; i < length; i++)
        {
            var value = from switch
            {
                DType.I32 => ((int*)read)[i],
                DType.I64 => ((long*)read)[i],
                _ => read[i],
            };
            switch (to)
            {
                case DType.I32: ((int*)write)[i] = unchecked((int)value); break;
                case DType.I64: ((long*)write)[i] = value; break;
                default: write[i] = unchecked((byte)value); break;
            }
        }
    }

    private static void Each<T>(T* source, float* floats, int length)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        for (var i = 0; i < length; i++)
            floats[i] = float.CreateTruncating(source[i]);
    }

    private static void Saturate<T>(float* floats, T* destination, int length)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        for (var i = 0; i < length; i++)
            destination[i] = T.CreateSaturating(floats[i]);
    }
}
