using NetZero.Tensors.Cpu;

namespace NetZero.Tensors;

/// <summary>
/// loss = mean over rows of log(sum of exp(logits)) - logits[target], a scalar. logits [.., V], loss F32, targets [..] I32 or I64; rows whose target
/// is ignored do not count. Saves logits, targets and each row's maximum and logarithm [2, ..]. Backward: dlogits = (softmax(logits) - onehot(target))
/// dloss / count, in one buffer of the logits' size, or over the logits themselves.
/// </summary>
public static class CrossEntropyOp
{
    /// <summary>The mean negative log-likelihood of the targets, in nats.</summary>
    /// <param name="logits">Unnormalised log-probabilities, [.., V].</param>
    /// <param name="targets">The right classes, [..], from 0 to V - 1.</param>
    /// <param name="ignoreIndex">The target of rows that do not count. If none counts, the loss is not a number.</param>
    /// <param name="overwriteLogits">Backward writes the gradient over the logits, so that they never exist twice: for logits
    /// that nobody reads afterwards. Has no effect where they lie in the memory of a leaf, or in memory that was kept or reserved.</param>
    /// <exception cref="ArgumentException">Shapes do not fit, targets are not integers, or a target is no class.</exception>
    public static unsafe Tensor CrossEntropy(this Tensor logits, Tensor targets, long ignoreIndex = -100, bool overwriteLogits = false)
    {
        SameContext.Check("CrossEntropy", logits, targets);
        if (logits.Dims != targets.Dims + 1 || !logits.Shape.Extents[..^1].SequenceEqual(targets.Shape.Extents))
            throw new ArgumentException($"CrossEntropy of {logits}: targets {targets} must have its shape without the last dimension.", nameof(targets));
        if (targets.DType is not (DType.I32 or DType.I64))
            throw new ArgumentException($"CrossEntropy: targets must be I32 or I64; found {targets}.", nameof(targets));
        (logits, targets) = (logits.Contiguous(), targets.Contiguous());
        var context = logits.Context;
        var rows = targets.Elements;
        var loss = context.Empty([]);
        var normalisers = context.Empty([2, rows], name: "CrossEntropy normalisers");
        using (var scratch = context.RentWorkspace(CrossEntropyForwardKernel.WorkspaceBytes(rows)))
        {
            context.Launch(new CrossEntropyForwardKernel(
                logits.Floats(), targets.Bytes(), targets.DType, normalisers.Data<float>(), normalisers.Data<float>() + rows,
                loss.Data<float>(), (double*)scratch.Pointer, rows, logits.Shape[^1], ignoreIndex));
        }

        return GradientNode.Records(logits)
            ? loss.Attach(new Node(logits, targets, normalisers, ignoreIndex, overwriteLogits && !logits.Storage.IsPrecious))
            : loss;
    }

    private sealed unsafe class Node : GradientNode
    {
        private readonly Tensor _logits;
        private readonly Tensor _targets;
        private readonly Tensor _normalisers;
        private readonly long _ignoreIndex;
        private readonly bool _overwrite;

        public Node(Tensor logits, Tensor targets, Tensor normalisers, long ignoreIndex, bool overwrite)
            : base(logits)
        {
            (_logits, _targets, _normalisers) = (Save(logits), Save(targets), Save(normalisers));
            (_ignoreIndex, _overwrite) = (ignoreIndex, overwrite);
        }

        public override string Name => "CrossEntropy";

        protected override void Backward(Tensor dOutput, GradientSink sink)
        {
            var dlogits = _overwrite ? _logits.Detach() : Context.Empty(_logits.Shape, _logits.DType, name: "gradient");
            // Another node that saved the logits must notice that they have changed.
            dlogits.Storage.Touch();
            Context.Launch(new CrossEntropyBackwardKernel(
                _logits.Floats(), _targets.Bytes(), _targets.DType, _normalisers.Data<float>(),
                _normalisers.Data<float>() + _targets.Elements, dOutput.Data<float>(), dlogits.Floats(), _targets.Elements,
                _logits.Shape[^1], _ignoreIndex));
            sink.Add(0, dlogits);
        }
    }
}
