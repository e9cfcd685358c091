using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Sharding;
using NetZero.Tensors;

namespace NetZero.Training;

/// <summary>One rank's steps: forward and backward of each micro-batch, the norm, the update. Knows no files and no screens.</summary>
/// <remarks>Losses are added up on the device, so that a step is enqueued without a wait and ends with one host read, of the loss and the norm, for which the host may wait later. The same program runs on Meta, where there are no values: losses and norms are NaN there, and everything else is as in the real run.</remarks>
public sealed class TrainingLoop
{
    // The target that CrossEntropy leaves out of its mean, by default and as PyTorch.
    private const int NotCounted = -100;

    private readonly Gpt2 _model;
    private readonly ShardedModule _sharded;
    private readonly Optimizer _optimizer;
    private readonly TrainingLoopOptions _options;
    private readonly IBatchSource _data;
    private readonly int[] _inputs;
    private readonly int[] _targets;
    private readonly double _baseRate;

    // The step's gradient norm, its mean loss, and what ranks tell each other beside.
    private readonly DeviceNumbers _found;
    private readonly double[] _told;

    // When the latest step was waited for: steps under way overlap, and each has the time by which it came later.
    private long _ended;

    /// <summary>Makes the loop of one rank.</summary>
    /// <param name="sharded">A distributed <see cref="Gpt2"/>.</param>
    /// <param name="optimizer">Over its shards.</param>
    /// <param name="data">This rank's micro-batches.</param>
    /// <param name="options">Schedule and clipping.</param>
    public TrainingLoop(ShardedModule sharded, Optimizer optimizer, IBatchSource data, TrainingLoopOptions options)
    {
        ArgumentNullException.ThrowIfNull(sharded);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(data);
        _model = (Gpt2)sharded.Module;
        _sharded = sharded;
        _optimizer = optimizer;
        _data = data;
        _options = options;
        _baseRate = optimizer.LearningRate;
        _inputs = new int[(long)data.Rows * data.SequenceLength];
        _targets = new int[_inputs.Length];
        _told = new double[options.Told?.Count ?? 0];
        _found = new DeviceNumbers(sharded.Tensors, 2 + _told.Length, "norm and loss");
    }

    /// <summary>Live bytes of each kind at the latest update, gradients alive; indexed by <see cref="MemoryKind"/>.</summary>
    public long[] SteadyBytes { get; private set; } = new long[MemoryLedger.KindCount];

    private TensorContext Tensors => _sharded.Tensors;

    private DeviceNumbers Norm => _found.Slice(0, 1);

    private DeviceNumbers Loss => _found.Slice(1, 1);

    /// <summary>Takes one optimizer step, of data that has one.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="cancellation">Looked at between micro-batches.</param>
    /// <exception cref="InvalidOperationException">The ranks' samples are at an end.</exception>
    public StepResult Step(long step, CancellationToken cancellation = default) =>
        TryStep(step, out var result, cancellation) ? result : throw new InvalidOperationException($"There is no step {step}: the ranks' samples are at an end. Ask with TryStep.");

    /// <summary>Takes one optimizer step, unless the ranks agree that their samples are at an end.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="result">What it found.</param>
    /// <param name="cancellation">Looked at between micro-batches.</param>
    /// <returns>Whether it took place, the same on every rank.</returns>
    public bool TryStep(long step, out StepResult result, CancellationToken cancellation = default)
    {
        var takes = TryBegin(step, out var begun, cancellation);
        result = takes ? begun!.Finish() : default;
        return takes;
    }

    /// <summary>Enqueues one optimizer step, unless the ranks agree that their samples are at an end. What it found is asked for later: the next step may be begun before.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="begun">The step under way. Steps are finished in their order.</param>
    /// <param name="cancellation">Looked at between micro-batches.</param>
    /// <returns>Whether it takes place, the same on every rank.</returns>
    /// <remarks>
    /// <para>Every target that is there counts the same, on whichever rank and however many others it has none.</para>
    /// <para>Whether fp16 gradients overflowed decides over the scale of the next step, so with a <see cref="LossScaler"/> the step has been waited for when this returns.</para>
    /// </remarks>
    public bool TryBegin(long step, [NotNullWhen(true)] out StepUnderWay? begun, CancellationToken cancellation = default)
    {
        var start = Stopwatch.GetTimestamp();
        begun = null;
        StepAgreement? agreed = _data.Ends ? _sharded.Agree(TargetsOf(step), _options.UnevenInputs) : null;
        if (agreed is { Takes: false })
            return false;
        using var open = _sharded.BeginStep(step);
        _found.Clear();
        for (var micro = 0; micro < _sharded.GradientAccumulationSteps; micro++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = open.BeginMicroBatch(_data.FirstSample(micro));
            MicroBatch(open, step, micro, agreed);
        }

        Norm.CopyFrom(Clip());
        _optimizer.LearningRate = _options.Schedule.At(step, _baseRate);
        _optimizer.Prepare();
        SteadyBytes = Tensors.Ledger.Snapshot();
        var scale = _sharded.LossScaler?.Scale;
        _optimizer.Step();
        Share();
        begun = new StepUnderWay(this, new StepResult(step, double.NaN, double.NaN, _optimizer.LearningRate, 0, scale), start, _found.Count, _found.BeginRead());
        if (scale is not null)
            begun.Finish();
        return true;
    }

    /// <summary>The mean loss over samples of other data, without gradients; the same on every rank.</summary>
    /// <param name="data">This rank's part of the validation data, of the same shape as the training data.</param>
    /// <param name="samples">How many samples all ranks together have. Each counts once, whatever the number of ranks and the size of a micro-batch.</param>
    /// <param name="cancellation">Looked at between micro-batches.</param>
    public double Evaluate(IBatchSource data, long samples, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        // What ends a run in between leaves the averages in the values' place: nothing is read of them then.
        if (_options.EvaluateAverages)
            _optimizer.ExchangeAverages();
        Loss.Clear();
        var batchSamples = (long)data.Rows * _sharded.Group.Size;
        for (long batch = 0; batch * batchSamples < samples; batch++)
        {
            cancellation.ThrowIfCancellationRequested();
            using var pass = _sharded.BeginEvaluation();
            data.Read(batch, 0, _inputs, _targets);

            // The last batch may not be full. All ranks run it all the same, because they gather parameters together.
            var rows = (int)Math.Clamp(samples - (batch * batchSamples) - data.FirstSample(0), 0, data.Rows);
            CountOnly(rows);
            var loss = Forward();
            if (rows > 0)
                Loss.Add(loss, rows);
        }

        if (_options.EvaluateAverages)
            _optimizer.ExchangeAverages();
        _sharded.Group.AllReduce("loss", Loss, ReduceOp.Average);
        return Loss.Item() * _sharded.Group.Size / samples;
    }

    /// <summary>What a step found that has arrived on the host.</summary>
    internal StepResult Found(StepResult begun, long start, ReadOnlySpan<double> found)
    {
        var skipped = begun.LossScale is not null && !_sharded.AcceptGradients(found[0]);
        if (skipped)
            _optimizer.TakeBack();
        var since = Math.Max(start, _ended);
        _ended = Stopwatch.GetTimestamp();
        return begun with
        {
            GradientNorm = found[0],
            Loss = found[1] * (1.0 / _sharded.Group.Size),
            Told = found[2..].ToArray(),
            Seconds = Stopwatch.GetElapsedTime(since, _ended).TotalSeconds,
            Skipped = skipped,
        };
    }

    // Losses and what ranks tell each other are added up together; the norm is the same on all ranks.
    private void Share()
    {
        if (_options.Told is { } told)
        {
            _told.AsSpan().Clear();
            told.Tell(_told);
            _found.Slice(2, _told.Length).Set(_told);
        }

        _sharded.Group.AllReduce("loss", _found.Slice(1, 1 + _told.Length), ReduceOp.Sum);
    }

    // Adds a micro-batch to the step's mean loss and its gradients.
    private void MicroBatch(TrainingStep open, long step, int micro, StepAgreement? agreed)
    {
        var rows = _data.SamplesLeft(step, micro);
        if (rows == 0 && _options.UnevenInputs == UnevenInputs.Skip)
        {
            open.SkipMicroBatch();
            return;
        }

        _data.Read(step, micro, _inputs, _targets);

        // A micro-batch without samples computes the loss of its padding, which weighs nothing.
        if (rows > 0)
            CountOnly(rows);
        var weight = agreed?.Weight((long)rows * _data.SequenceLength) ?? 1.0 / _sharded.GradientAccumulationSteps;
        var loss = Forward();
        Loss.Add(loss, weight);
        open.Backward(loss, weight);
    }

    private long TargetsOf(long step)
    {
        long samples = 0;
        for (var micro = 0; micro < _sharded.GradientAccumulationSteps; micro++)
            samples += _data.SamplesLeft(step, micro);
        return samples * _data.SequenceLength;
    }

    private void CountOnly(int rows) => _targets.AsSpan(rows * _data.SequenceLength).Fill(NotCounted);

    // The norm before clipping.
    private DeviceNumbers Clip()
    {
        if (_options.GradientClipping > 0)
            return _sharded.ClipGradientNorm(_options.GradientClipping, _options.GradientClippingNorm);
        var norm = _sharded.GradientNorm(_options.GradientClippingNorm);
        if (_options.GradientClippingValue > 0)
            _sharded.ClipGradientValue(_options.GradientClippingValue);
        return norm;
    }

    private Tensor Forward()
    {
        Shape shape = [_data.Rows, _data.SequenceLength];
        return _model.Loss(Tensors.From<int>(_inputs, shape), Tensors.From<int>(_targets, shape));
    }
}

/// <summary>Settings of a <see cref="TrainingLoop"/>.</summary>
public sealed record TrainingLoopOptions
{
    /// <summary>The learning rate over steps.</summary>
    public LearningRateSchedule Schedule { get; init; } = new ConstantSchedule();

    /// <summary>The largest global gradient norm; 0 is off.</summary>
    public double GradientClipping { get; init; }

    /// <summary>Which norm that is, and which one is reported.</summary>
    public NormKind GradientClippingNorm { get; init; }

    /// <summary>The largest magnitude of an element of the gradients; 0 is off. Not together with <see cref="GradientClipping"/>.</summary>
    public double GradientClippingValue { get; init; }

    /// <summary>Whether evaluations use the optimizer's averages of the values, of which it must keep some.</summary>
    public bool EvaluateAverages { get; init; }

    /// <summary>What happens when some ranks have samples and others have run out.</summary>
    public UnevenInputs UnevenInputs { get; init; }

    /// <summary>What ranks tell each other at the end of each step, in the reduction that adds up their losses; null for nothing.</summary>
    public ITold? Told { get; init; }
}

/// <summary>A few numbers of one rank in each step, of which all ranks learn the sum over ranks.</summary>
public interface ITold
{
    /// <summary>How many, the same on every rank.</summary>
    int Count { get; }

    /// <summary>Writes this rank's numbers of the step that has just been enqueued.</summary>
    /// <param name="numbers"><see cref="Count"/> zeros.</param>
    void Tell(Span<double> numbers);
}

/// <summary>What one step found.</summary>
/// <param name="Step">The step, from 0.</param>
/// <param name="Loss">The mean loss of the global batch before the update, in nats per token.</param>
/// <param name="GradientNorm">The global gradient norm before clipping.</param>
/// <param name="LearningRate">The learning rate of the update.</param>
/// <param name="Seconds">Wall time on this rank.</param>
/// <param name="LossScale">What the loss was scaled by; null where it is not scaled.</param>
/// <param name="Skipped">Whether gradients overflowed, so that nothing was updated.</param>
public readonly record struct StepResult(
    long Step, double Loss, double GradientNorm, double LearningRate, double Seconds, double? LossScale = null, bool Skipped = false)
{
    /// <summary>The sum over ranks of what each told: see <see cref="TrainingLoopOptions.Told"/>.</summary>
    public ReadOnlyMemory<double> Told { get; init; }
}
