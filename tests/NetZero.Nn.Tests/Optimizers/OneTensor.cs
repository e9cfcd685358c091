using NetZero.Tensors;

namespace NetZero.Nn.Tests.Optimizers;

/// <summary>A stretch of one matrix as a shard.</summary>
internal sealed class OneTensor : FlatShard, IFlatParameters
{
    public OneTensor(TensorContext tensors, long from, long to)
    {
        Ranges = [new FlatRange("weight", new Parameter("weight", [1, to], Initializer.Zeros), from, 0, to - from)];
        Values = tensors.Full([to - from], 0).Keep();
        Gradients = tensors.Full([to - from], 0).Keep();
    }

    public override string Name => "unit";

    public override Tensor Values { get; }

    public override Tensor Gradients { get; }

    public override IReadOnlyList<FlatRange> Ranges { get; }

    public IReadOnlyList<FlatShard> Shards => [this];

    public IEnumerable<string> Names => ["weight"];

    public void Update(Action<FlatShard, Tensor?> update) => update(this, null);

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
}
