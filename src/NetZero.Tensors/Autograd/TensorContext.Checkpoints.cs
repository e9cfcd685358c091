using System.Runtime.CompilerServices;

namespace NetZero.Tensors;

public sealed partial class TensorContext
{
    private KeptResults? _recording;
    private KeptResults? _replaying;

    /// <summary>Memory for an op's result, or the result itself where a checkpoint has kept it.</summary>
    /// <param name="op">The op.</param>
    /// <param name="shape">The result's shape.</param>
    /// <param name="dtype">The result's element type.</param>
    /// <param name="known">Whether the values are there already; otherwise they are undefined and the op computes them.</param>
    /// <param name="name">What made it, for messages.</param>
    internal Tensor ResultOf(KeptOps op, Shape shape, DType dtype, out bool known, [CallerMemberName] string name = "")
    {
        known = _replaying is { } replaying && replaying.Keeps(op);
        var result = known ? _replaying!.Next(op, shape) : Empty(shape, dtype, name: name);
        if (_recording is { } recording && recording.Keeps(op))
            recording.Add(op, result);
        return result;
    }

    /// <summary>Whether a checkpoint keeps or has kept the results of an op, so that they must be complete even where nothing is recorded.</summary>
    internal bool Keeps(KeptOps op) => _recording?.Keeps(op) == true || _replaying?.Keeps(op) == true;

    /// <summary>Until the returned value is disposed, results are added to <paramref name="kept"/>; null keeps none. A checkpoint around this one still gives what it kept.</summary>
    internal KeptScope Record(KeptResults? kept) => Swap(kept, _replaying);

    /// <summary>Until the returned value is disposed, results are taken from <paramref name="kept"/>; null computes all.</summary>
    internal KeptScope Replay(KeptResults? kept) => Swap(null, kept);

    private KeptScope Swap(KeptResults? recording, KeptResults? replaying)
    {
        var before = new KeptScope(this, _recording, _replaying);
        (_recording, _replaying) = (recording, replaying);
        return before;
    }

    /// <summary>Restores what was there before.</summary>
    internal readonly record struct KeptScope(TensorContext Context, KeptResults? Recording, KeptResults? Replaying) : IDisposable
    {
        public void Dispose() => (Context._recording, Context._replaying) = (Recording, Replaying);
    }
}
