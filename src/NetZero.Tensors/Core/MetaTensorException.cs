namespace NetZero.Tensors;

/// <summary>A value was read from a tensor on the Meta device, which has shapes but no values.</summary>
public sealed class MetaTensorException : InvalidOperationException
{
    internal MetaTensorException(Tensor tensor)
        : base($"{tensor} is on the Meta device, which has no values to read; run on a device with memory, or do not read values in the planned program.")
    {
    }
}
