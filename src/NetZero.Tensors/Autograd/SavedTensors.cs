namespace NetZero.Tensors;

/// <summary>Tensors whose memory somebody needs until a later moment of the backward pass, unchanged.</summary>
/// <remarks>
/// Note: where saved activations are. All that forward leaves for backward is held here, by nodes and by checkpoints, and nowhere else: it is held with
/// <see cref="Add"/> and read after <see cref="Check"/>. So moving saved activations to another tier and back is a matter of these two.
/// </remarks>
internal struct SavedTensors
{
    private Saved[]? _saved;

    public int Count { get; private set; }

    public readonly Tensor this[int index] => _saved![index].Tensor;

    /// <summary>Keeps a tensor's memory until <see cref="Release"/>.</summary>
    public Tensor Add(Tensor tensor)
    {
        tensor.Storage.Retain();
        if (_saved is null || Count == _saved.Length)
            Array.Resize(ref _saved, Math.Max(2, Count * 2));
        _saved[Count++] = new Saved(tensor, tensor.Storage.Version);
        return tensor;
    }

    /// <summary>Refuses what was changed in place since.</summary>
    /// <param name="holder">The op that saved, for the message.</param>
    /// <exception cref="InvalidOperationException">Something was.</exception>
    public readonly void Check(string holder)
    {
        for (var i = 0; i < Count; i++)
            if (_saved![i].Tensor.Storage.Version != _saved[i].Version)
            {
                throw new InvalidOperationException(
                    $"{_saved[i].Tensor} was changed in place after {holder} had saved it for backward; change it after Backward(), or change a copy.");
            }
    }

    /// <summary>Lets go of all of them.</summary>
    public void Release(string holder)
    {
        for (var i = 0; i < Count; i++)
            _saved![i].Tensor.Storage.Release($"its scope has ended and {holder}, which had saved it for backward, is done");
        Count = 0;
        _saved = null;
    }

    private readonly record struct Saved(Tensor Tensor, int Version);
}
