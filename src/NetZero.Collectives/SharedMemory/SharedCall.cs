using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;
using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>A rank's call as it stands in the segment: the signature, and where in the rank's arena its buffers lie.</summary>
/// <remarks>Written by its rank alone; others read it once <see cref="Stamp"/> is that of the call.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SharedCall
{
    /// <summary>Bytes of a unit's name that are kept; comparison goes by a hash of the whole name.</summary>
    public const int LabelBytes = 88;

    /// <summary>The offset of a buffer without data (on Meta).</summary>
    private const long NoData = -1;

    /// <summary>The offset of an input of which a copy lies beside the call.</summary>
    private const long Copied = -2;

    /// <summary>1 + the call's number, once everything else is written.</summary>
    public long Stamp;
    private ulong _signature;
    private long _elements;
    private long _bytes;
    private long _input;
    private long _inputBytes;
    private long _output;
    private long _outputBytes;
    private int _operation;
    private int _dtype;
    private int _reduceOp;
    private int _peer;
    private int _labelLength;
    private fixed byte _label[LabelBytes];

    /// <summary>Writes a call and then its stamp. Its buffers lie in the arena, or have no data.</summary>
    /// <param name="call">The call.</param>
    /// <param name="arena">The rank's memory.</param>
    /// <param name="copy">Where a copy of the input is left for the others; null for none.</param>
    public void Publish(in CollectiveCall call, SharedArena arena, byte* copy)
    {
        _signature = CallSignature.Of(call);
        _elements = call.Elements;
        _bytes = call.Bytes;
        _input = copy != null ? Copied : call.Input.HasData ? arena.OffsetOf(call.Input.Pointer) : NoData;
        if (copy != null)
            System.Buffer.MemoryCopy(call.Input.Pointer, copy, call.Input.Bytes, call.Input.Bytes);
        _inputBytes = call.Input.Bytes;
        _output = call.Output.HasData ? arena.OffsetOf(call.Output.Pointer) : NoData;
        _outputBytes = call.Output.Bytes;
        _operation = (int)call.Operation;
        _dtype = (int)call.DType;
        _reduceOp = (int)call.ReduceOp;
        _peer = call.Peer;
        fixed (byte* label = _label)
            _labelLength = WriteLabel(call.Label.Unit, new Span<byte>(label, LabelBytes));
        Volatile.Write(ref Stamp, call.Sequence + 1);
    }

    /// <summary>Whether two published calls are the same call, as <see cref="CollectiveCall.Matches"/> has it.</summary>
    public readonly bool Matches(in SharedCall other) =>
        _signature == other._signature && (_elements == 0 || (_input == NoData) == (other._input == NoData));

    /// <summary>The call with its buffers where this process sees the rank's arena, and the copy of its input.</summary>
    public CollectiveCall Read(byte* arena, byte* copy)
    {
        fixed (byte* label = _label)
        {
            var dtype = (DType)_dtype;
            return new CollectiveCall
            {
                Sequence = Stamp - 1,
                Operation = (CollectiveOperation)_operation,
                Label = Encoding.UTF8.GetString(label, _labelLength),
                Elements = _elements,
                Bytes = _bytes,
                DType = dtype,
                ReduceOp = (ReduceOp)_reduceOp,
                Peer = _peer,
                Input = Buffer(arena, copy, _input, _inputBytes, dtype),
                Output = Buffer(arena, copy, _output, _outputBytes, dtype),
            };
        }
    }

    /// <summary>As <see cref="Read"/> without the name, which moving data does not need.</summary>
    public readonly CollectiveCall ReadUnnamed(byte* arena, byte* copy) => new()
    {
        Sequence = Stamp - 1,
        Operation = (CollectiveOperation)_operation,
        Elements = _elements,
        Bytes = _bytes,
        DType = (DType)_dtype,
        ReduceOp = (ReduceOp)_reduceOp,
        Peer = _peer,
        Input = Buffer(arena, copy, _input, _inputBytes, (DType)_dtype),
        Output = Buffer(arena, copy, _output, _outputBytes, (DType)_dtype),
    };

    /// <summary>Writes as much of a name as fits, whole characters only.</summary>
    /// <returns>The bytes written.</returns>
    public static int WriteLabel(ReadOnlySpan<char> label, Span<byte> destination)
    {
        _ = Utf8.FromUtf16(label, destination, out _, out var bytes);
        return bytes;
    }

    private static CollectiveBuffer Buffer(byte* arena, byte* copy, long offset, long bytes, DType dtype) =>
        new(offset == NoData ? null : offset == Copied ? copy : arena + offset, bytes / dtype.SizeInBytes(), dtype);
}
