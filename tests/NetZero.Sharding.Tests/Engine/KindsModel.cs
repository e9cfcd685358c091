using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// Residual blocks whose parameters are of all kinds: a norm and a trained pair of linears in the run's types or those of overrides, and, built in types of their own, a weight in bf16
/// and one of codes in U8 with a scale for each row, which the block widens. Sizes that no world divides.
/// </summary>
internal sealed class KindsModel : Module, IToy
{
    /// <summary>What must be frozen: codes cannot train, and the others stand for a base that is not to.</summary>
    public static readonly string[] Base = ["**.base", "**.codes", "**.scales"];

    private readonly Block[] _blocks;
    private readonly Linear _head;

    public KindsModel(int blocks = 2)
    {
        _blocks = [.. Enumerable.Range(0, blocks).Select(i => AddUnit($"blocks.{i}", new Block()))];
        _head = AddChild("head", new Linear(15, 3));
    }

    public int Features => 15;

    public int Classes => 3;

    public IReadOnlyList<Block> Blocks => _blocks;

    public Tensor Loss(Tensor x, Tensor targets)
    {
        using var call = Enter(x.Context);
        foreach (var block in _blocks)
            x = block.Call(x);
        return call.Return(_head.Call(x).CrossEntropy(targets));
    }

    internal sealed class Block : Layer
    {
        private readonly LayerNorm _norm;
        private readonly Linear _up;
        private readonly Linear _down;
        private readonly Parameter _base;
        private readonly Parameter _codes;
        private readonly Parameter _scales;

        public Block()
        {
            _norm = AddChild("norm", new LayerNorm(15));
            _up = AddChild("up", new Linear(15, 17));
            _down = AddChild("down", new Linear(17, 15));
            _base = AddParameter("base", [15, 15], Initializer.Uniform(0.25f), DType.BF16);
            _codes = AddParameter("codes", [15, 15], new Codes(), DType.U8);
            _scales = AddParameter("scales", [15, 1], Initializer.Uniform(0.001f), DType.F32);
        }

        /// <summary>The codes.</summary>
        public Parameter CodesOfWeight => _codes;

        protected override Tensor Forward(Tensor x)
        {
            var h = _norm.Call(x);
            var widened = _codes.Value.Cast(DType.F32) * _scales.Value;
            return x + _down.Call(_up.Call(h).Gelu()) + h.Linear(_base.Value) + h.Linear(widened);
        }
    }

    /// <summary>All values from 0 to 255.</summary>
    internal sealed record Codes : Initializer
    {
        public static byte At(long element) => (byte)(element * 37);

        public override void Fill(long seed, string name, long first, Span<float> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = At(first + i);
        }
    }
}
