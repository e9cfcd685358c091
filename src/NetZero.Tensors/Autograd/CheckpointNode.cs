namespace NetZero.Tensors;

/// <summary>A stretch of the forward pass on the tape that left only its input; backward runs it again and goes on through what that records.</summary>
/// <remarks>
/// The second run takes the input with its history, so its nodes hand gradients to the same producers, in the same order, as if the first run had been recorded: the
/// bits of gradients do not depend on whether a stretch is checkpointed.
/// </remarks>
internal sealed class CheckpointNode : GradientNode
{
    private readonly Func<Tensor, Tensor> _again;
    private readonly Tensor _x;
    private readonly KeptResults? _kept;
    private readonly RandomState.Place _random;
    private readonly bool _training;

    public CheckpointNode(Tensor x, Func<Tensor, Tensor> again, KeptResults? kept, RandomState.Place random)
        : base(x)
    {
        _x = Save(x);
        _again = again;
        _kept = kept;
        _random = random;
        _training = x.Context.Training;
    }

    public override string Name => "Checkpoint";

    public override void Forget()
    {
        base.Forget();
        _kept?.Release();
    }

    internal override void Run()
    {
        CheckSaved();
        _kept?.Check();
        Context.Tape.Replay(RunAgain);
    }

    protected override void Backward(Tensor dOutput, GradientSink sink) =>
        throw new InvalidOperationException("A checkpoint has no backward of its own; its second run records one.");

    // Records the stretch, and hands the gradient of its output over to what made it. What the stretch needs, its own nodes hold from there on.
    private void RunAgain()
    {
        var random = Context.Random.Here;
        var training = Context.Training;
        using var scope = Context.BeginScope(Name);
        using var grad = Context.EnableGrad();
        Context.Random.GoTo(_random);
        Context.Training = _training;
        try
        {
            Tensor y;
            using (Context.Replay(_kept))
                y = _again(_x);
            HandOver(y);
            Forget();
        }
        finally
        {
            Context.Random.GoTo(random);
            Context.Training = training;
        }
    }

    private void HandOver(Tensor y)
    {
        if (y.Shape != Pending!.Shape)
            throw new InvalidOperationException($"A checkpoint's second run gave {y} where its first gave {Pending.Shape}; what is checkpointed must do the same each time.");

        // The stretch gave its input back, or recorded what made its output; otherwise nothing in it wants a gradient.
        if (ReferenceEquals(y, _x) && y.RequiresGrad)
        {
            new GradientSink(this).Add(0, Pending);
        }
        else if (y.Node is { } last)
        {
            last.Pending = Pending;
            Pending = null;
        }
    }
}
