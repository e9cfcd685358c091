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
    public void Publish(in CollectiveCall call, SharedArena arena)
    {
        _signature = CallSignature.Of(call);
        _elements = call.Elements;
        _bytes = call.Bytes;
        _input = call.Input.HasData ? arena.OffsetOf(call.Input.Pointer) : NoData;
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

    /// <summary>The call with its buffers where this process sees the rank's arena.</summary>
    public CollectiveCall Read(byte* arena)
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
                Input = Buffer(arena, _input, _inputBytes, dtype),
                Output = Buffer(arena, _output, _outputBytes, dtype),
            };
        }
    }

    /// <summary>As <see cref="Read"/> without the name, which moving data does not need.</summary>
    public readonly CollectiveCall ReadUnnamed(byte* arena) => new()
    {
        Sequence = Stamp - 1,
        Operation = (CollectiveOperation)_operation,
        Elements = _elements,
        Bytes = _bytes,
        DType = (DType)_dtype,
        ReduceOp = (ReduceOp)_reduceOp,
        Peer = _peer,
        Input = Buffer(arena, _input, _inputBytes, (DType)_dtype),
        Output = Buffer(arena, _output, _outputBytes, (DType)_dtype),
    };

    /// <summary>Writes as much of a name as fits, whole characters only.</summary>
    /// <returns>The bytes written.</returns>
    public static int WriteLabel(ReadOnlySpan<char> label, Span<byte> destination)
    {
        _ = Utf8.FromUtf16(label, destination, out _, out var bytes);
        return bytes;
    }

    private static CollectiveBuffer Buffer(byte* arena, long offset, long bytes, DType dtype) =>
        new(offset == NoData ? null : arena + offset, bytes / dtype.SizeInBytes(), dtype);
}
