using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>What a block of a <see cref="PatchworkModel"/> is.</summary>
/// <param name="Hidden">Its inner width; 0 makes a block without parameters.</param>
/// <param name="Runs">How often a forward runs it, one after the other or spread.</param>
/// <param name="Skips">0: it always runs; otherwise it is conditional, and left out in some of the forwards of some ranks.</param>
internal sealed record Patch(int Hidden, int Runs = 1, int Skips = 0);

/// <summary>Residual blocks of all kinds: of any width, without parameters, run several times, left out now and then, sharing a parameter with the root; and a head.</summary>
internal sealed class PatchworkModel : Module, IToy
{
    private readonly List<(Patch Patch, Block Block)> _calls = [];
    private readonly Linear _shared;
    private readonly Linear _head;
    private int _forwards;

    /// <param name="patches">The blocks.</param>
    /// <param name="features">Width of the residual stream.</param>
    /// <param name="interleaved">Whether blocks that run several times come in rounds instead of in a row.</param>
    public PatchworkModel(IReadOnlyList<Patch> patches, int features, bool interleaved)
    {
        Features = features;
        _shared = AddChild("shared", new Linear(features, features));
        var blocks = patches.Select((patch, i) => (Index: i, Patch: patch, Block: new Block(features, patch.Hidden, i == 0 ? _shared : null))).ToList();
        var runs = blocks.SelectMany(b => Enumerable.Range(0, b.Patch.Runs).Select(round => (Round: round, Block: b)));
        foreach (var (round, b) in interleaved ? runs.OrderBy(r => r.Round) : runs)
        {
            AddUnit($"b.{b.Index}.{round}", b.Block, conditional: b.Patch.Skips > 0);
            _calls.Add((b.Patch, b.Block));
        }

        _head = AddChild("head", new Linear(features, Classes));
    }

    public int Features { get; }

    public int Classes => 3;

    /// <summary>Which rank's forwards these are: what is left out depends on it.</summary>
    public int Rank { get; set; }

    public Tensor Loss(Tensor x, Tensor targets)
    {
        using var call = Enter(x.Context);
        var forward = _forwards++;
        x = _shared.Call(x);
        foreach (var (patch, block) in _calls)
            if (patch.Skips == 0 || (forward + Rank) % (patch.Skips + 1) == 0)
                x = block.Call(x);
        return call.Return(_head.Call(x).CrossEntropy(targets));
    }

    private sealed class Block : Layer
    {
        private readonly Linear? _up;
        private readonly Linear? _down;
        private readonly Linear? _shared;

        public Block(int features, int hidden, Linear? shared)
        {
            if (hidden > 0)
            {
                _up = AddChild("up", new Linear(features, hidden));
                _down = AddChild("down", new Linear(hidden, features));
            }

            if (shared is not null)
                _shared = AddChild("shared", shared);
        }

        protected override Tensor Forward(Tensor x)
        {
            var y = _shared is null ? x.Gelu() : _shared.Call(x).Gelu();
            return x + (_down is null ? y : _down.Call(_up!.Call(y).Gelu()));
        }
    }
}
