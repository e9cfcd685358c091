namespace NetZero.Tensors;

public sealed partial class Tensor
{
    /// <summary>Copies values from the host into this contiguous tensor. On Meta only the count is checked.</summary>
    /// <exception cref="ArgumentException">The number of values is not <see cref="Elements"/>.</exception>
    public unsafe void CopyFrom<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        RequireContiguous("CopyFrom");
        if (values.Length != Elements)
            throw new ArgumentException($"{this} has {Elements:N0} elements and {values.Length:N0} values were given.", nameof(values));
        var destination = Data<T>();
        Storage.Touch();
        Context.CopyFromHost(values, destination);
    }

    /// <summary>Copies this contiguous tensor to the host.</summary>
    /// <exception cref="MetaTensorException">The tensor is on Meta.</exception>
    /// <exception cref="ArgumentException">The number of values is not <see cref="Elements"/>.</exception>
    public unsafe void CopyTo<T>(Span<T> values)
        where T : unmanaged
    {
        RequireContiguous("CopyTo");
        RequireMemory();
        if (values.Length != Elements)
            throw new ArgumentException($"{this} has {Elements:N0} elements and {values.Length:N0} were asked for.", nameof(values));
        Context.CopyToHost(Data<T>(), values);
    }

    /// <summary>The elements in row-major order, whatever the strides.</summary>
    /// <exception cref="MetaTensorException">The tensor is on Meta.</exception>
    public unsafe T[] ToArray<T>()
        where T : unmanaged
    {
        RequireMemory();
        // What lies between the first element and the last, in one copy.
        var covered = new T[IsContiguous ? Elements : CoveredElements()];
        Context.CopyToHost<T>(Data<T>(), covered);
        if (IsContiguous)
            return covered;
        var values = new T[Elements];
        var walk = new StridedWalk(Shape, Strides);
        for (long i = 0; i < values.Length; i++)
            values[i] = covered[walk.Next()];
        return values;
    }

    /// <summary>The value of a tensor with one F32 element.</summary>
    /// <exception cref="MetaTensorException">The tensor is on Meta.</exception>
    /// <exception cref="InvalidOperationException">There is not exactly one element.</exception>
    public unsafe float Item()
    {
        RequireMemory();
        if (Elements != 1)
            throw new InvalidOperationException($"Item() reads a tensor of one element; {this} has {Elements:N0}.");
        float value = 0;
        Context.CopyToHost(Data<float>(), new Span<float>(ref value));
        return value;
    }

    /// <summary>Copies bytes of this contiguous tensor to the host, whatever its type: a counted host read.</summary>
    /// <param name="start">The first byte, from the tensor's beginning.</param>
    /// <param name="bytes">As many as are wanted.</param>
    /// <exception cref="ArgumentOutOfRangeException">They are not all inside the tensor.</exception>
    /// <exception cref="MetaTensorException">The tensor is on Meta.</exception>
    public unsafe void ReadBytes(long start, Span<byte> bytes)
    {
        RequireContiguous("ReadBytes");
        RequireMemory();
        CheckBytes(start, bytes.Length);
        Context.CopyToHost(Bytes() + start, bytes);
    }

    /// <summary>Copies bytes from the host into this contiguous tensor, whatever its type, in stream order.</summary>
    /// <param name="start">The first byte, from the tensor's beginning.</param>
    /// <param name="bytes">They may be changed afterwards.</param>
    /// <exception cref="ArgumentOutOfRangeException">They do not all fit into the tensor.</exception>
    public unsafe void WriteBytes(long start, ReadOnlySpan<byte> bytes)
    {
        RequireContiguous("WriteBytes");
        CheckBytes(start, bytes.Length);
        var destination = Bytes() + start;
        Storage.Touch();
        Context.CopyFromHost(bytes, destination);
    }

    private void CheckBytes(long start, int length)
    {
        if (start < 0 || start > (Elements * DType.SizeInBytes()) - length)
            throw new ArgumentOutOfRangeException(nameof(start), $"Bytes [{start}, {start + length}) are not inside {this}, which has {Elements * DType.SizeInBytes():N0}.");
    }

    private long CoveredElements()
    {
        if (Elements == 0)
            return 0;
        long last = 0;
        for (var dim = 0; dim < Dims; dim++)
            last += (Shape[dim] - 1) * Strides[dim];
        return last + 1;
    }

    internal void RequireContiguous(string operation)
    {
        if (!IsContiguous)
            throw new InvalidOperationException($"{operation} needs a contiguous tensor; {this} has strides [{string.Join(", ", Strides.ToArray())}]. Call Contiguous() first.");
    }

    private void RequireMemory()
    {
        if (!Context.Device.HasMemory)
            throw new MetaTensorException(this);
    }
}
