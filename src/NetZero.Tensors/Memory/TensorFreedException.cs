namespace NetZero.Tensors;

/// <summary>A tensor was used that has no memory any more, or not yet.</summary>
public sealed class TensorFreedException : InvalidOperationException
{
    internal TensorFreedException(string message)
        : base(message)
    {
    }

    internal TensorFreedException(string name, string? absence)
        : base($"The memory of '{name}' is not there: {absence ?? "it was never materialised"}.")
    {
    }
}
