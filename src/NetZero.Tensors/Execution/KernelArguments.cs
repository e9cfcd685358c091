using System.Runtime.CompilerServices;
using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>The arguments of one kernel call as a device with kernels of its own gets them: slots of 8 bytes, in the order in which the kernel lists them.</summary>
/// <remarks>
/// An operand of any floating-point type takes two slots, its address (0 where there is no such operand) and its <see cref="DType"/>; a list of numbers its length and the numbers.
/// Each <see cref="IKernel.Describe"/> lists what the kernel's constructor takes. Addresses are of the device's memory.
/// </remarks>
public unsafe ref struct KernelArguments
{
    /// <summary>The most slots that a call has: a walk over four operands of eight dimensions, and what goes with it.</summary>
    public const int MaxCount = 64;

    private readonly Span<ulong> _slots;

    /// <summary>No arguments yet, to be kept in <paramref name="slots"/>.</summary>
    /// <param name="slots"><see cref="MaxCount"/> slots.</param>
    public KernelArguments(Span<ulong> slots) => _slots = slots;

    /// <summary>How many slots there are.</summary>
    public int Count { get; private set; }

    /// <summary>The slots.</summary>
    public readonly ReadOnlySpan<ulong> Slots => _slots[..Count];

    /// <summary>Adds an address.</summary>
    public void Add(void* address) => Push((ulong)address);

    /// <summary>Adds an address; of floats, which would be an operand of any type as well.</summary>
    public void Add(float* address) => Push((ulong)address);

    /// <summary>Adds a whole number.</summary>
    public void Add(long number) => Push((ulong)number);

    /// <summary>Adds a number.</summary>
    public void Add(double number) => Push(BitConverter.DoubleToUInt64Bits(number));

    /// <summary>Adds a number; it takes the lower half of its slot.</summary>
    public void Add(float number) => Push(BitConverter.SingleToUInt32Bits(number));

    /// <summary>Adds a flag: 1 or 0.</summary>
    public void Add(bool flag) => Push(flag ? 1ul : 0);

    /// <summary>Adds an element type, by its number.</summary>
    public void Add(DType dtype) => Push((ulong)dtype);

    /// <summary>Adds a list: its length and its numbers.</summary>
    public void Add(scoped ReadOnlySpan<long> numbers)
    {
        Add(numbers.Length);
        foreach (var number in numbers)
            Add(number);
    }

    /// <summary>Adds the numbers that a rule is made of, as it holds them, in whole slots.</summary>
    /// <typeparam name="T">A struct of numbers.</typeparam>
    public void AddRule<T>(in T rule)
        where T : struct
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            throw new ArgumentException($"{typeof(T).Name} holds references, which no device can be given.");
        var bytes = new ReadOnlySpan<byte>(Unsafe.AsPointer(ref Unsafe.AsRef(in rule)), Unsafe.SizeOf<T>());
        for (var done = 0; done < bytes.Length; done += sizeof(ulong))
        {
            ulong slot = 0;
            bytes[done..Math.Min(bytes.Length, done + sizeof(ulong))].CopyTo(new Span<byte>(&slot, sizeof(ulong)));
            Push(slot);
        }
    }

    /// <summary>The address in a slot.</summary>
    public readonly void* Address(int slot) => (void*)Slots[slot];

    /// <summary>The whole number in a slot.</summary>
    public readonly long Int64(int slot) => (long)Slots[slot];

    /// <summary>The double in a slot.</summary>
    public readonly double Double(int slot) => BitConverter.UInt64BitsToDouble(Slots[slot]);

    /// <summary>The float in a slot.</summary>
    public readonly float Single(int slot) => BitConverter.UInt32BitsToSingle((uint)Slots[slot]);

    /// <summary>The flag in a slot.</summary>
    public readonly bool Flag(int slot) => Slots[slot] != 0;

    /// <summary>The element type in a slot.</summary>
    public readonly DType Type(int slot) => (DType)Slots[slot];

    /// <summary>Calls a device's kernel with the arguments of <paramref name="kernel"/>. Allocates nothing.</summary>
    [SkipLocalsInit]
    public static void Call<TKernel>(DeviceKernel own, DeviceStream stream, in TKernel kernel)
        where TKernel : struct, IKernel
    {
        ArgumentNullException.ThrowIfNull(own);
        var arguments = new KernelArguments(stackalloc ulong[MaxCount]);
        kernel.Describe(ref arguments);
        own(stream, in arguments);
    }

    internal void Add(FloatPointer operand)
    {
        Add(operand.Data);
        Add(operand.DType);
    }

    private void Push(ulong slot) => _slots[Count++] = slot;
}

/// <summary>A kernel of a device: enqueues one call on a stream of the device. The arguments are there during the call only.</summary>
public delegate void DeviceKernel(DeviceStream stream, in KernelArguments arguments);
