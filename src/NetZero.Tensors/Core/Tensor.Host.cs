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
        if (destination != null)
            values.CopyTo(new Span<T>(destination, values.Length));
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
        new ReadOnlySpan<T>(Data<T>(), values.Length).CopyTo(values);
    }

    /// <summary>The elements in row-major order, whatever the strides.</summary>
    /// <exception cref="MetaTensorException">The tensor is on Meta.</exception>
    public unsafe T[] ToArray<T>()
        where T : unmanaged
    {
        RequireMemory();
        var values = new T[Elements];
        var data = Data<T>();
        var walk = new StridedWalk(Shape, Strides);
        for (long i = 0; i < values.Length; i++)
            values[i] = data[walk.Next()];
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
        return *Data<float>();
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
