using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>The elementwise optimizers one element at a time, in fp32 with the kernels' order of operations, and their state in each format.</summary>
internal static class PlainOptimizer
{
    private const double Rate = 1e-3;
    private const double Decay = 0.1;

    // The bits of 1.
    private const int One = 0x3F80_0000;

    public static float[] Train(string name, StateFormat format, int elements, int steps, Func<int, float> start, Func<int, int, float> gradient)
    {
        var values = Enumerable.Range(0, elements).Select(start).ToArray();
        var (first, second) = (new float[elements], new float[elements]);
        for (var step = 1; step <= steps; step++)
        {
            for (var i = 0; i < elements; i++)
                Update(name, ref values[i], gradient(i, step - 1), ref first[i], ref second[i], step);
            first = Stored(first, format, signed: true);
            second = Stored(second, format, signed: false);
        }

        return values;
    }

    private static void Update(string name, ref float p, float g, ref float m, ref float v, int step)
    {
        switch (name)
        {
            case "AdamW":
                m = MultiplyAdd(0.9f, m, (float)(1 - 0.9) * g);
                v = MultiplyAdd(0.999f, v, (float)(1 - 0.999) * (g * g));
                var denominator = MultiplyAdd(MathF.Sqrt(v), (float)(1 / Math.Sqrt(1 - Math.Pow(0.999, step))), 1e-8f);
                p = MultiplyAdd((float)(-Rate / (1 - Math.Pow(0.9, step))), m / denominator, p * (float)(1 - (Rate * Decay)));
                return;
            case "SGD":
                m = step == 1 ? g : MultiplyAdd(0.9f, m, g);
                p = MultiplyAdd((float)-Rate, m, p);
                return;
            default:
                var direction = MultiplyAdd(0.9f, m, (float)(1 - 0.9) * g);
                p = MultiplyAdd((float)-Rate, Math.Sign(direction), p * (float)(1 - (Rate * Decay)));
                m = MultiplyAdd(0.99f, m, (float)(1 - 0.99) * g);
                return;
        }
    }

    private static float MultiplyAdd(float a, float b, float c) => float.MultiplyAddEstimate(a, b, c);

    private static float[] Stored(float[] values, StateFormat format, bool signed) => format switch
    {
        StateFormat.BF16 => [.. values.Select(v => (float)(BFloat16)v)],
        StateFormat.Blocks8 => [.. values.Chunk(256).SelectMany(block => Coded(block, signed))],
        _ => values,
    };

    // Tapered floating point: see the note in BlockCode. Shares as there, products with the inverse of the scale; their roots' positions from the bits.
    private static IEnumerable<float> Coded(float[] block, bool signed)
    {
        var largest = block.MaxBy(MathF.Abs);
        if (largest == 0)
            return block;
        var scale = signed ? -largest : largest;
        var (steps, inverse) = (signed ? 128 : 256, 1 / scale);
        return block.Select(v =>
        {
            var share = v * inverse;
            var root = BitConverter.Int32BitsToSingle(((BitConverter.SingleToInt32Bits(MathF.Abs(share)) - One) >> 2) + One);
            var j = Math.Clamp((int)MathF.Round(root * steps), signed ? 0 : 1, signed && share >= 0 ? 127 : steps);
            if (j == 0)
                return 0;
            var number = BitConverter.Int32BitsToSingle(((BitConverter.SingleToInt32Bits((float)j / steps) - One) << 2) + One);
            return MathF.CopySign(number, share) * scale;
        });
    }
}
