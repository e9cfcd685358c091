using NetZero.Nn;
using NetZero.Tensors;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>A weight of two elements that starts at zero, for steps computed by hand: with target 0 an input x has the gradient (-x / 2, x / 2).</summary>
internal sealed class OneWeight : Module
{
    private readonly Unit _unit;

    public OneWeight() => _unit = AddUnit("unit", new Unit());

    public Tensor Loss(Tensor x)
    {
        using var call = Enter(x.Context);
        return call.Return(_unit.Call(x).CrossEntropy(x.Context.From<int>(new int[(int)x.Shape[0]], [x.Shape[0]])));
    }

    private sealed class Unit : Layer
    {
        private readonly Linear _linear;

        public Unit() => _linear = AddChild("linear", new Linear(1, 2, bias: false, initializer: Initializer.Zeros));

        protected override Tensor Forward(Tensor x) => _linear.Call(x);
    }
}
