using System.Runtime.InteropServices;

namespace NetZero.Tensors;

/// <summary>Numbers on their way from a device to the host, which goes on meanwhile.</summary>
public readonly struct DeviceNumbersRead
{
    private readonly HostRead? _read;
    private readonly int _count;

    internal DeviceNumbersRead(HostRead? read, int count) => (_read, _count) = (read, count);

    /// <summary>Whether they have arrived. Never blocks.</summary>
    public bool IsCompleted => _read is null || _read.IsCompleted;

    /// <summary>Waits until they have arrived. On Meta they are NaN, so that a program that only passes them on can be planned.</summary>
    /// <exception cref="ArgumentException">There are not as many.</exception>
    public void Wait(Span<double> values)
    {
        if (values.Length != _count)
            throw new ArgumentException($"There are {_count} numbers and {values.Length} were asked for.", nameof(values));
        if (_read is null)
            values.Fill(double.NaN);
        else
            _read.Wait(MemoryMarshal.AsBytes(values));
    }
}
