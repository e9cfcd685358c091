using NetZero.Tensors;

namespace NetZero.Collectives;

/// <summary>Stands in for a call's buffers that the peers cannot see: host values, and memory that is not from the rank's tensors.</summary>
/// <remarks>Tensors that take part in collectives lie in the rank's arena, so a training step copies nothing here but its few scalars.</remarks>
internal unsafe struct BounceBuffers
{
    private readonly SharedArena _arena;
    private readonly CollectiveBuffer _output;
    private nint _inputBlock;
    private nint _outputBlock;
    private readonly long _inputBytes;
    private readonly long _outputBytes;

    /// <summary>Copies the input into the arena if it is not there, and makes room for the output if it is not there.</summary>
    public BounceBuffers(SharedArena arena, in CollectiveCall call)
    {
        _arena = arena;
        Call = call;
        var inPlace = call.Output.Pointer == call.Input.Pointer && call.Output.Bytes == call.Input.Bytes;
        if (call.Input is { HasData: true, Bytes: > 0 } && !arena.Contains(call.Input))
        {
            Call = Call with { Input = Borrow(call.Input, out _inputBlock, out _inputBytes) };
            Buffer.MemoryCopy(call.Input.Pointer, Call.Input.Pointer, call.Input.Bytes, call.Input.Bytes);
        }
        else if (call.Input is { HasData: true, Bytes: 0 })
        {
            Call = Call with { Input = Nothing(call.Input) };
        }

        if (call.Output is { HasData: true, Bytes: 0 })
        {
            Call = Call with { Output = Nothing(call.Output) };
        }
        else if (call.Output.HasData && !arena.Contains(call.Output))
        {
            _output = call.Output;
            Call = Call with { Output = inPlace ? Call.Input : Borrow(call.Output, out _outputBlock, out _outputBytes) };
        }
    }

    /// <summary>The call with buffers that all ranks see.</summary>
    public CollectiveCall Call { get; private init; }

    /// <summary>Copies the result to where the caller wants it. Once; afterwards it does nothing.</summary>
    public void Deliver(ref bool delivered)
    {
        if (delivered)
            return;
        delivered = true;
        if (_output.HasData)
            Buffer.MemoryCopy(Call.Output.Pointer, _output.Pointer, _output.Bytes, _output.Bytes);
    }

    /// <summary>Gives the memory back; nobody uses it any more.</summary>
    public void Free()
    {
        Free(ref _inputBlock, _inputBytes);
        Free(ref _outputBlock, _outputBytes);
    }

    private readonly CollectiveBuffer Borrow(in CollectiveBuffer buffer, out nint block, out long bytes)
    {
        bytes = MemoryLedger.Round(buffer.Bytes);
        block = _arena.Allocate(bytes, MemoryLedger.GranuleBytes);
        return new CollectiveBuffer((void*)block, buffer.Count, buffer.DType);
    }

    // An empty buffer has data (it is not on Meta), wherever it lies.
    private readonly CollectiveBuffer Nothing(in CollectiveBuffer buffer) => new(_arena.Address, 0, buffer.DType);

    private readonly void Free(ref nint block, long bytes)
    {
        if (block != 0)
            _arena.Free(block, bytes);
        block = 0;
    }
}
