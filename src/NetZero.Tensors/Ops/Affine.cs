using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>Arithmetic with a number: y = f x + c for each element. Saves nothing. Backward: dx = f dy.</summary>
public static class AffineOp
{
    extension(Tensor)
    {
        /// <summary>Each element times <paramref name="factor"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator *(Tensor x, float factor) => Scale(x, factor);

        /// <summary>Each element times <paramref name="factor"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator *(float factor, Tensor x) => Scale(x, factor);

        /// <summary>Each element times 1 / <paramref name="divisor"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator /(Tensor x, float divisor) => Scale(x, 1 / divisor);

        /// <summary>Each element with the other sign.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator -(Tensor x) => Scale(x, -1);

        /// <summary>Each element plus <paramref name="term"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator +(Tensor x, float term) => Shift(x, term);

        /// <summary>Each element plus <paramref name="term"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator +(float term, Tensor x) => Shift(x, term);

        /// <summary>Each element minus <paramref name="term"/>.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator -(Tensor x, float term) => Shift(x, -term);

        /// <summary><paramref name="term"/> minus each element.</summary>
        /// <exception cref="ArgumentException">Not F32.</exception>
        public static Tensor operator -(float term, Tensor x) => Shift(Scale(x, -1), term);
    }

    private static Tensor Scale(Tensor x, float factor)
    {
        var y = Elementwise.Map("Scale", new ScaleRule(factor), x);
        return GradientNode.Records(x) ? y.Attach(new Node(x, "Scale", factor)) : y;
    }

    private static Tensor Shift(Tensor x, float term)
    {
        var y = Elementwise.Map("Shift", new AddScalarRule(term), x);
        return GradientNode.Records(x) ? y.Attach(new Node(x, "Shift", 1)) : y;
    }

    private sealed class Node(Tensor x, string name, float factor) : GradientNode(x)
    {
        public override string Name => name;

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            if (factor == 1)
                sink.Add(0, dOutput);
            else
                Elementwise.MapInto(new ScaleRule(factor), dOutput, sink.Target(0));
        }
    }
}
