namespace NetZero.Tensors.Tests;

public class SameContextTests
{
    public static TheoryData<string, Action<Tensor, Tensor>> Ops => new()
    {
        { "Add", (x, y) => _ = x + y },
        { "Multiply", (x, y) => _ = x * y },
        { "MatMul", (x, y) => x.MatMul(y) },
        { "Linear", (x, y) => x.Linear(y) },
        { "Linear", (x, y) => x.Linear(x, y) },
        { "LayerNorm", (x, y) => x.LayerNorm(y, x) },
        { "RmsNorm", (x, y) => x.RmsNorm(y) },
        { "Attention", (x, y) => x.Attention(x, y) },
        { "Embedding", (x, y) => x.Embedding(y) },
        { "CrossEntropy", (x, y) => x.CrossEntropy(y) },
        { "Gather", (x, y) => x.Gather(0, y) },
        { "Concat", (x, y) => Tensor.Concat([x, y]) },
        { "CopyFrom", (x, y) => x.CopyFrom(y) },
        { "AddInPlace", (x, y) => x.AddInPlace(y) },
        { "Backward", (x, y) => x.Backward(y) },
    };

    // On Meta there is no memory: an op that got as far as launching its kernel would read address 0.
    [Theory]
    [MemberData(nameof(Ops))]
    public void Op_OfTensorsOfTwoContexts_IsRefusedNamingBoth(string op, Action<Tensor, Tensor> run)
    {
        using var context = new TensorContext();
        using var other = new TensorContext(new TensorContextOptions { Device = Device.Meta });
        var error = Assert.Throws<ArgumentException>(() => run(context.Zeros([2, 2]), other.Zeros([2, 2])));
        Assert.Equal(
            $"{op} of 'Zeros' F32 [2, 2] and 'Zeros' F32 [2, 2]: they belong to different tensor contexts, of ranks or devices of their own; "
            + "copy one through the host.",
            error.Message);
    }
}
