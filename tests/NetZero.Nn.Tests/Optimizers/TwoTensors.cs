using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>A flat shard by hand: the end of a matrix, a gap that belongs to nobody, a bias, a second matrix, padding.</summary>
internal sealed class TwoTensors : FlatShard, IFlatParameters
{
    public const int Length = 64;

    /// <summary>An element of padding or a gap.</summary>
    public const float Untouched = 7;

    private readonly Tensor? _gradientScale;

    public TwoTensors(TensorContext tensors, Tensor? gradientScale = null)
    {
        _gradientScale = gradientScale;
        var matrix = new Parameter("weight", [6, 5], Initializer.Zeros);
        var bias = new Parameter("bias", [7], Initializer.Zeros);
        Ranges =
        [
            new FlatRange("a.weight", matrix, ParameterStart: 13, Start: 0, Length: 17),
            new FlatRange("a.bias", bias, ParameterStart: 0, Start: 19, Length: 7),
            new FlatRange("b.weight", matrix, ParameterStart: 0, Start: 26, Length: 30),
        ];
        Values = tensors.Full([Length], Untouched).Keep();
        Gradients = tensors.Full([Length], 1).Keep();
    }

    public override string Name => "unit";

    public override Tensor Values { get; }

    public override Tensor Gradients { get; }

    public override IReadOnlyList<FlatRange> Ranges { get; }

    public IReadOnlyList<FlatShard> Shards => [this];

    public IEnumerable<string> Names => ["a.weight", "a.bias", "b.weight"];

    public void Update(Action<FlatShard, Tensor?> update) => update(this, _gradientScale);

    public void Rewrite(Action<FlatShard> change) => change(this);

    public void SumOverRanks(string label, DeviceNumbers numbers)
    {
    }

    public void Gather(string label, Tensor own, Tensor whole)
    {
    }

    public void SumSlices(string label, Tensor whole, Tensor own)
    {
    }

    /// <summary>Visits the elements that belong to a parameter.</summary>
    public IEnumerable<(int Element, bool IsMatrix)> Elements() =>
        Ranges.SelectMany(range => Enumerable.Range((int)range.Start, (int)range.Length).Select(i => (i, range.Parameter.Shape.Dims >= 2)));
}
