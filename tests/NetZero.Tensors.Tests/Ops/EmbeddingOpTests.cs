namespace NetZero.Tensors.Tests;

public class EmbeddingOpTests
{
    // dw[v] = the sum of dy over the positions that hold v: id 2 twice, id 0 once, id 1 never.
    [Fact]
    public void Embedding_RepeatedIds_AddUpInTheTablesGradient()
    {
        using var context = new TensorContext();
        var weight = context.From<float>([1, 2, 3, 4, 5, 6], [3, 2]).RequireGrad();
        var ids = context.From<long>([2, 0, 2], [1, 3]);
        var y = weight.Embedding(ids);
        Assert.Equal([1, 3, 2], y.Shape.Extents.ToArray());
        Assert.Equal([5, 6, 1, 2, 5, 6], y.ToArray<float>());
        y.Backward(context.From<float>([1, 10, 2, 20, 4, 40], [1, 3, 2]));
        Assert.Equal([2, 20, 0, 0, 5, 50], weight.Grad!.ToArray<float>());
    }

    [Fact]
    public void Embedding_UsedTwice_AddsBothGradientsInPlace()
    {
        using var context = new TensorContext();
        var weight = context.From<float>([1, 2, 3], [3, 1]).RequireGrad();
        foreach (var id in new[] { 1, 2 })
            weight.Embedding(context.From<int>([id], [1])).Backward(context.Full([1, 1], id));
        Assert.Equal([0, 1, 2], weight.Grad!.ToArray<float>());
    }

    [Fact]
    public void Embedding_FloatIds_AreRefused()
    {
        using var context = new TensorContext();
        Assert.Throws<ArgumentException>(() => context.Full([3, 2], 1).Embedding(context.Full([1], 1)));
    }
}
