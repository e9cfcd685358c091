using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace NetZero.Tensors.Cpu;

/// <summary>y[i] = what the codes of element first + i stand for: a stretch of rows of a matrix in blocks, as floats.</summary>
/// <remarks>Has the bits of <see cref="BlockQuantization.DecodeGroupReference"/>: an element is one product of its scale and its code's value. See [Note: groups of blocks] there.</remarks>
internal readonly unsafe struct DequantizeKernel(byte* codes, BlockFormat format, long elements, long first, float* y, long count) : IKernel, IParallelBody
{
    private const int Block = BlockQuantization.BlockElements;

    // 256 KiB of results: enough that handing it out costs nothing, and it stays in the second-level cache.
    private const long BlocksPerTask = 1024;

    private long FirstBlock => first / Block;

    private long Blocks => count == 0 ? 0 : ((first + count - 1) / Block) - FirstBlock + 1;

    /// <inheritdoc/>
    public DType DType => DType.U8;

    /// <inheritdoc/>
    public void Describe(ref KernelArguments arguments)
    {
        arguments.Add(codes);
        arguments.Add((long)format);
        arguments.Add(elements);
        arguments.Add(first);
        arguments.Add(y);
        arguments.Add(count);
    }

    /// <inheritdoc/>
    public KernelWork Work => new(0, count * (sizeof(float) + ((double)BlockQuantization.BlockBytes(format) / Block)));

    public void Run(WorkerPool workers)
    {
        var body = this;
        workers.For((Blocks + BlocksPerTask - 1) / BlocksPerTask, ref body);
    }

    public void Run(long index, int worker)
    {
        var end = FirstBlock + Math.Min(Blocks, (index + 1) * BlocksPerTask);
        var tile = stackalloc float[Block];
        for (var block = FirstBlock + (index * BlocksPerTask); block < end; block++)
        {
            var start = (block * Block) - first;
            if (start >= 0 && start + Block <= count)
            {
                Decode(block, y + start);
                continue;
            }

            Decode(block, tile);
            var (from, to) = (Math.Max(0, start), Math.Min(count, start + Block));
            for (var i = from; i < to; i++)
                y[i] = tile[i - start];
        }
    }

    private void Decode(long block, float* values)
    {
        var group = block / BlockQuantization.GroupBlocks;
        var inGroup = block % BlockQuantization.GroupBlocks;
        var blocks = Math.Min(BlockQuantization.GroupBlocks, ((elements + Block - 1) / Block) - (group * BlockQuantization.GroupBlocks));
        var head = codes + BlockQuantization.GroupStart(format, group);
        var scale = BlockQuantization.Scale(Unsafe.ReadUnaligned<float>(head), Unsafe.ReadUnaligned<float>(head + sizeof(float)), head[BlockQuantization.HeadBytes + inGroup]);
        var bytes = head + BlockQuantization.HeadBytes + blocks + (inGroup * BlockQuantization.BlockBytes(format));
        if (format == BlockFormat.Int8)
            DecodeInt8((sbyte*)bytes, scale / 127, values);
        else
            DecodeNormalFloat4(bytes, scale, values);
    }

    private static void DecodeInt8(sbyte* bytes, float scale, float* values)
    {
        if (Avx2.IsSupported)
        {
            for (var i = 0; i < Block; i += Vector256<float>.Count)
                (Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(bytes + i)) * scale).Store(values + i);
            return;
        }

        for (var i = 0; i < Block; i++)
            values[i] = bytes[i] * scale;
    }

    private static void DecodeNormalFloat4(byte* bytes, float scale, float* values)
    {
        const int half = Block / 2;
        fixed (float* table = BlockQuantization.NormalFloats)
        {
            if (Avx2.IsSupported)
            {
                // A table of 16 is two permutes of 8; the fourth bit, shifted to the sign, chooses between them.
                var (low, high) = (Vector256.Load(table) * scale, Vector256.Load(table + 8) * scale);
                for (var i = 0; i < half; i += Vector256<float>.Count)
                {
                    var pair = Avx2.ConvertToVector256Int32(bytes + i);
                    Look(pair, low, high).Store(values + i);
                    Look(Avx2.ShiftRightLogical(pair, 4), low, high).Store(values + half + i);
                }

                return;
            }

            for (var i = 0; i < half; i++)
            {
                values[i] = scale * table[bytes[i] & 15];
                values[half + i] = scale * table[bytes[i] >> 4];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Look(Vector256<int> codes, Vector256<float> low, Vector256<float> high)
    {
        var bySign = Avx2.ShiftLeftLogical(codes, 28).AsSingle();
        return Avx.BlendVariable(Avx2.PermuteVar8x32(low, codes), Avx2.PermuteVar8x32(high, codes), bySign);
    }
}
