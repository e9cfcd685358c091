using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Uneven linear blocks and a head that is tied to nothing: y = head(block(...block(x))), with sizes that no world divides.</summary>
internal sealed class ToyModel : Module, IToy
{
    private readonly Block[] _blocks;
    private readonly Linear _head;

    public ToyModel(int blocks = 2)
    {
        _blocks = new Block[blocks];
        for (var i = 0; i < blocks; i++)
            _blocks[i] = AddUnit($"blocks.{i}", new Block());
        _head = AddChild("head", new Linear(15, 3));
    }

    /// <summary>Which blocks run, in which order; by default all in order.</summary>
    public int[]? Order { get; set; }

    /// <summary>Whether the loss is computed by the program, from what the model returns, and not inside the model.</summary>
    public bool LossOutside { get; init; }

    public IReadOnlyList<Block> Blocks => _blocks;

    public Linear Head => _head;

    public int Features => 15;

    public int Classes => 3;

    /// <summary>[rows, 15] to a loss against the targets, [rows] of I32.</summary>
    public Tensor Loss(Tensor x, Tensor targets)
    {
        if (LossOutside)
            return Logits(x).CrossEntropy(targets);
        using var call = Enter(x.Context);
        return call.Return(Forward(x).CrossEntropy(targets));
    }

    private Tensor Logits(Tensor x)
    {
        using var call = Enter(x.Context);
        return call.Return(Forward(x));
    }

    private Tensor Forward(Tensor x)
    {
        foreach (var i in Order ?? Enumerable.Range(0, _blocks.Length).ToArray())
            x = _blocks[i].Call(x);
        return _head.Call(x);
    }

    internal sealed class Block : Layer
    {
        private readonly Linear _up;
        private readonly Linear _down;

        public Block()
        {
            _up = AddChild("up", new Linear(15, 17));
            _down = AddChild("down", new Linear(17, 15));
        }

        public Linear Up => _up;

        protected override Tensor Forward(Tensor x) => _down.Call(_up.Call(x).Gelu());
    }
}
