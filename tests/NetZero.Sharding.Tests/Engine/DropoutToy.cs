using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>Residual blocks with two random sites each, between an input layer and a head: features and sizes that no world divides.</summary>
internal sealed class DropoutToy : Module, IToy
{
    /// <summary>Width of a block's output, and of what is inside it.</summary>
    public const int Width = 15, Hidden = 17;

    private const float Share = 0.25f;

    private readonly Linear _input;
    private readonly Block[] _blocks;
    private readonly Linear _head;

    public DropoutToy(int blocks = 3)
    {
        _input = AddChild("input", new Linear(Features, Width));
        _blocks = new Block[blocks];
        for (var i = 0; i < blocks; i++)
            _blocks[i] = AddUnit($"blocks.{i}", new Block());
        _head = AddChild("head", new Linear(Width, Classes));
    }

    public int Features => 6;

    public int Classes => 3;

    /// <summary>Whether the blocks' outputs reach the loss.</summary>
    public bool UsesBlocks { get; init; } = true;

    public Tensor Loss(Tensor x, Tensor targets)
    {
        using var call = Enter(x.Context);
        var input = _input.Call(x);
        var hidden = input;
        foreach (var block in _blocks)
            hidden = block.Call(hidden);
        return call.Return(_head.Call(UsesBlocks ? hidden : input).CrossEntropy(targets));
    }

    internal sealed class Block : Layer
    {
        private readonly Linear _up;
        private readonly Linear _down;

        public Block()
        {
            _up = AddChild("up", new Linear(Width, Hidden));
            _down = AddChild("down", new Linear(Hidden, Width));
        }

        protected override Tensor Forward(Tensor x) => (x + _down.Call(_up.Call(x).Gelu().Dropout(Share))).Dropout(Share);
    }
}
