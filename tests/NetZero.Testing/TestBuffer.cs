using System.Runtime.InteropServices;
using NetZero.Collectives;
using NetZero.Tensors;

namespace NetZero.Testing;

/// <summary>Native memory for one collective buffer, filled with numbers whose sums depend on the order of addition.</summary>
public sealed unsafe class TestBuffer : IDisposable
{
    private void* _memory;

    public TestBuffer(long count, DType dtype)
    {
        // One element more than asked, so that an empty buffer has an address, as tensor storage does.
        _memory = NativeMemory.AlignedAlloc((nuint)((count + 1) * dtype.SizeInBytes()), 64);
        Buffer = new CollectiveBuffer(_memory, count, dtype);
        new Span<byte>(_memory, checked((int)Buffer.Bytes)).Fill(0xCD);
    }

    public CollectiveBuffer Buffer { get; }

    public byte[] Bytes => new ReadOnlySpan<byte>(_memory, checked((int)Buffer.Bytes)).ToArray();

    public static implicit operator CollectiveBuffer(TestBuffer buffer) => buffer.Buffer;

    /// <summary>Numbers over several binary orders of magnitude, of both signs, a function of (rank, seed, index) only.</summary>
    public TestBuffer Fill(int rank, int seed = 0)
    {
        for (long i = 0; i < Buffer.Count; i++)
            SetElement(i, Value(rank, seed, i));
        return this;
    }

    public static double Value(int rank, int seed, long index)
    {
        // A splitmix64 step: any good mixer will do.
        var z = (ulong)(((rank * 1_000_003L) + seed) * 7_777_777) + ((ulong)index * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        var mantissa = ((long)(z >> 40) - (1L << 23)) / (double)(1 << 23);
        return mantissa * (1 << (int)(z & 15));
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    /// <summary>An element as a double (64-bit integers lose their lowest bits).</summary>
    public double GetElement(long i) => Buffer.DType switch
    {
        DType.F32 => ((float*)_memory)[i],
        DType.BF16 => BitConverter.UInt32BitsToSingle((uint)((ushort*)_memory)[i] << 16),
        DType.F16 => (double)((Half*)_memory)[i],
        DType.I32 => ((int*)_memory)[i],
        DType.I64 => ((long*)_memory)[i],
        DType.U8 => ((byte*)_memory)[i],
        _ => throw new InvalidOperationException($"Unknown type {Buffer.DType}."),
    };

    public void SetElement(long i, double value)
    {
        switch (Buffer.DType)
        {
            case DType.F32:
                ((float*)_memory)[i] = (float)value;
                break;
            case DType.BF16:
                ((ushort*)_memory)[i] = (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16);
                break;
            case DType.F16:
                ((Half*)_memory)[i] = (Half)(value / 64);
                break;
            case DType.I32:
                ((int*)_memory)[i] = (int)(value * 1000);
                break;
            case DType.I64:
                ((long*)_memory)[i] = (long)(value * 1_000_000_000);
                break;
            case DType.U8:
                ((byte*)_memory)[i] = (byte)(long)(value * 10);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(value), Buffer.DType, "Unknown type.");
        }
    }
}
