using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Ops that are computed from others on a device without their kernels have the same values and gradients, but for roundings.</summary>
public class ComposedOpTests
{
    private static readonly Dictionary<string, (string Kernel, Func<Tensor, Tensor, Tensor, Tensor> Op)> Ops = new()
    {
        ["LayerNorm"] = ("LayerNormForward", (x, w, b) => x.LayerNorm(w, b)),
        ["RmsNorm"] = ("RmsNormBackward", (x, w, _) => x.RmsNorm(w)),
        ["Gelu"] = ("Unary Gelu", (x, _, _) => x.Gelu()),
        ["Silu"] = ("Binary SiluBackward", (x, _, _) => x.Silu()),
    };

    public static TheoryData<string, DType> Cases
    {
        get
        {
            var data = new TheoryData<string, DType>();
            foreach (var op in Ops.Keys)
                foreach (var dtype in (DType[])[DType.F32, DType.BF16])
                    data.Add(op, dtype);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Composed_MatchesTheKernel_AndSaysSoOnce(string op, DType dtype)
    {
        var (missing, apply) = Ops[op];
        var notices = new List<string>();
        var expected = Run(Device.Cpu, notices, dtype, apply);
        Assert.Empty(notices);
        var kernels = new KernelRegistry("sparse").AddProcessorCode((kernel, _) => kernel != missing);
        var found = Run(new DelayedDevice(new DelayedTiming(3), kernels), notices, dtype, apply);
        Assert.Contains($"{op} on {dtype}", Assert.Single(notices), StringComparison.Ordinal);

        // A few roundings of numbers of about 1, in fp32 or of results in bf16.
        var tolerance = dtype == DType.F32 ? 64 * Math.Pow(2, -24) : 8 * Math.Pow(2, -8);
        foreach (var (e, f) in expected.Zip(found))
            Assert.Equal(e, f, tolerance * Math.Max(1, Math.Abs(e)));
    }

    // The output and the gradients of a run of the op, called twice.
    private static float[] Run(Device device, List<string> notices, DType dtype, Func<Tensor, Tensor, Tensor, Tensor> op)
    {
        using var context = new TensorContext(new TensorContextOptions { Device = device }) { Notice = notices.Add };
        var (x, w, b) = (Input(context, [5, 7], 1).Cast(dtype).RequireGrad(), Input(context, [7], 2).Cast(dtype).RequireGrad(), Input(context, [7], 3).Cast(dtype).RequireGrad());
        _ = op(x, w, b);
        var y = op(x, w, b);
        (y.Cast(DType.F32) * Input(context, [5, 7], 4)).Sum().Backward();
        return [.. new[] { y, x.Grad, w.Grad, b.Grad }.OfType<Tensor>().SelectMany(t => t.Cast(DType.F32).ToArray<float>())];
    }

    private static Tensor Input(TensorContext context, Shape shape, int seed)
    {
        var random = new Random(seed);
        return context.From<float>([.. Enumerable.Range(0, (int)shape.Elements).Select(_ => (2 * random.NextSingle()) - 1)], shape);
    }
}
