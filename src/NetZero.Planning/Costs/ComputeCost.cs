using NetZero.Collectives;

namespace NetZero.Planning;

/// <summary>Seconds that one rank computes in one micro-batch: a block, the head, and the update.</summary>
internal sealed class ComputeCost
{
    // torchtitan's selective op mode saves every second product of a block.
    private const double ProductsRecomputedPerOp = 0.5;

    // Backward has two products for forward's one: for the input's gradient and for the weight's.
    private const double ProductsBackwardPerForward = 2;

    // Elements of a logit's way forward and back in elementwise ops: cast, maximum, exponential sum, gradient, cast; fp32.
    private const double LogitPassBytes = 16;

    // Fused AdamW reads gradient, two moments, master and writes the last three and a 16-bit copy: 4 + 3 x 8 + 2 bytes of a parameter.
    private const double UpdateBytesPerParameter = 30;

    // Backward launches about twice as many kernels as forward.
    private const double HostBackwardPerForward = 2;

    private readonly Workload _run;
    private readonly ClusterDescription _cluster;
    private readonly ImplementationProfile _profile;
    private readonly DeviceFactors _device;
    private readonly double _tokens;
    private readonly double _elementBytes;

    public ComputeCost(Workload run, ClusterDescription cluster, ImplementationProfile profile, DeviceFactors device)
    {
        // A device without the dtype is refused here, before anything is simulated.
        cluster.Device.Peak(run.Dtype);
        _run = run;
        _cluster = cluster;
        _profile = profile;
        _device = device;
        _tokens = (double)run.MicroBatch * run.Sequence / run.Layout.Context;
        _elementBytes = run.ElementBytes;
        var (forwardProducts, forwardAttention, forwardTraffic) = (BlockProducts(), AttentionSeconds(), BlockTrafficSeconds());
        var forwardTensor = TensorSeconds();
        var recomputed = run.Recompute switch
        {
            Recompute.None => 0,
            Recompute.Attention => forwardAttention,
            Recompute.PerOp => ProductsRecomputedPerOp * forwardProducts + forwardTraffic,
            Recompute.EverySecondBlock => (forwardProducts + forwardAttention + forwardTraffic + forwardTensor) / 2,
            _ => forwardProducts + forwardAttention + forwardTraffic + forwardTensor,
        };
        var host = profile.HostLaunches * cluster.Device.LaunchSeconds;
        var recomputedHost = run.Recompute switch { Recompute.Full => host, Recompute.EverySecondBlock or Recompute.PerOp => host / 2, _ => 0 };
        Forward = Math.Max(host, forwardProducts + forwardAttention + forwardTraffic + forwardTensor);
        Backward = Math.Max(
            HostBackwardPerForward * host + recomputedHost,
            recomputed + ProductsBackwardPerForward * forwardProducts + AttentionFlops.BackwardPerForward * forwardAttention
            + BlockTraffic.BackwardPerForward * forwardTraffic + forwardTensor);
        Tensor = 2 * forwardTensor;
    }

    /// <summary>Seconds of a block's forward.</summary>
    public double Forward { get; }

    /// <summary>Seconds of a block's backward, with what it computes again.</summary>
    public double Backward { get; }

    /// <summary>Of those, seconds that wait for tensor-parallel collectives.</summary>
    public double Tensor { get; }

    /// <summary>Seconds of the head's forward with the loss.</summary>
    public double HeadForward => Product(_run.Model.Hidden, (double)_run.Model.Vocabulary / _run.Layout.Tensor, HeadDtype) + LogitSeconds / 3;

    /// <summary>Seconds of the head's backward.</summary>
    public double HeadBackward => 2 * Product(_run.Model.Hidden, (double)_run.Model.Vocabulary / _run.Layout.Tensor, HeadDtype) + LogitSeconds * 2 / 3;

    /// <summary>Seconds to update <paramref name="parameters"/> parameters.</summary>
    public double Update(double parameters) =>
        parameters * UpdateBytesPerParameter * _profile.Update / _cluster.Device.MemoryBytesPerSecond;

    // The head stays out of fp8.
    private string HeadDtype => _run.Dtype == "fp8" ? "bf16" : _run.Dtype;

    // What products reach that are not in fp8: 16-bit ones, or fp32.
    private double ProductPeak(string dtype) => dtype == "fp32" ? _cluster.Device.Peak(dtype) : _cluster.Device.WidePeak;

    private double Achievable => _cluster.Device.MatmulFraction * _device.Matmul;

    private double TrafficScale => _run.Compiled ? _profile.CompiledTraffic : _profile.Traffic;

    private double LogitSeconds =>
        _tokens * _run.Model.Vocabulary / _run.Layout.Tensor * LogitPassBytes * TrafficScale / _cluster.Device.MemoryBytesPerSecond;

    private double BlockProducts()
    {
        var (model, tensor) = (_run.Model, (double)_run.Layout.Tensor);
        var attention = Product(model.Hidden, (model.QueryWidth + 2.0 * model.KeyValueWidth) / tensor, _run.Dtype) + Product(model.QueryWidth / tensor, model.Hidden, _run.Dtype);
        var width = model.FeedForward / tensor;
        var expert = Product(model.Hidden, model.Gated ? 2 * width : width, _run.Dtype) + Product(width, model.Hidden, _run.Dtype);
        return attention + model.ActiveExperts * expert;
    }

    private double Product(double k, double n, string dtype)
    {
        var device = _cluster.Device;
        var speed = ProductPeak(dtype) * Achievable * _profile.Matmul;
        if (dtype == "fp8")
            speed *= _run.RowwiseFp8 ? _profile.Fp8Rowwise : _profile.Fp8;
        return MatmulTime.Of(_tokens, k, n, speed, device.MemoryBytesPerSecond, _elementBytes);
    }

    private double AttentionSeconds()
    {
        var width = (double)_run.Model.QueryWidth / _run.Layout.Tensor;
        var device = _cluster.Device;
        var seconds = AttentionFlops.Forward(_tokens, _run.Sequence, width) / (ProductPeak(_run.Dtype) * Achievable * _device.Attention * _profile.Attention);
        if (_run.Layout.Context > 1)
        {
            // Keys and values go round the ring while attention computes; the slower one counts.
            var bytes = _tokens * 2 * _run.Model.KeyValueWidth / _run.Layout.Tensor * _elementBytes;
            var hop = Links.Send(bytes, _run.Layout.Context * _run.Layout.Tensor <= _cluster.DevicesPerNode);
            seconds = Math.Max(seconds, (_run.Layout.Context - 1) * hop);
        }

        // Scores written and read three times (product, softmax, product) where no kernel fuses them.
        return _run.FusedAttention
            ? seconds
            : seconds + _tokens * _run.Sequence * _run.Model.Heads / _run.Layout.Tensor * 6 * _elementBytes * TrafficScale / device.MemoryBytesPerSecond;
    }

    private double BlockTrafficSeconds() =>
        _tokens * BlockTraffic.Elements(_run) * _elementBytes * TrafficScale / _cluster.Device.MemoryBytesPerSecond;

    private CollectiveTime Links => ProfiledLinks.Of(_cluster, _profile);

    // Two all-reduces of the block's activations forward (or as many bytes as gathers and scatters), after attention and after the MLP (M. Shoeybi et al. 2019).
    private double TensorSeconds()
    {
        var tensor = _run.Layout.Tensor;
        if (tensor == 1)
            return 0;
        var bytes = _tokens * _run.Model.Hidden * _elementBytes;
        var seconds = 2 * Links.By(CollectiveAlgorithm.Ring, CollectiveOperation.AllReduce, bytes, tensor, Math.Min(tensor, _cluster.DevicesPerNode));
        return seconds * (1 - (_run.AsyncTensor ? (1 + _profile.TensorOverlap) / 2 : _profile.TensorOverlap));
    }
}
