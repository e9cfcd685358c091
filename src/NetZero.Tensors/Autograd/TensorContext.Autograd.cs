namespace NetZero.Tensors;

public sealed partial class TensorContext
{
    /// <summary>What the ops recorded.</summary>
    public Tape Tape { get; } = new();

    /// <summary>Whether ops are recorded for backward.</summary>
    public bool GradEnabled { get; private set; } = true;

    /// <summary>Whether modules behave as in training (dropout on). Set by the trainer; evaluation turns it off.</summary>
    public bool Training { get; set; } = true;

    /// <summary>Until the returned value is disposed, nothing is recorded.</summary>
    public GradModeScope NoGrad()
    {
        var scope = new GradModeScope(this, GradEnabled);
        GradEnabled = false;
        return scope;
    }

    /// <summary>Until the returned value is disposed, ops are recorded: for what backward computes again.</summary>
    internal GradModeScope EnableGrad()
    {
        var scope = new GradModeScope(this, GradEnabled);
        GradEnabled = true;
        return scope;
    }

    /// <summary>Restores the mode that <see cref="NoGrad"/> replaced.</summary>
    public readonly record struct GradModeScope : IDisposable
    {
        private readonly TensorContext _context;
        private readonly bool _before;

        internal GradModeScope(TensorContext context, bool before)
        {
            _context = context;
            _before = before;
        }

        /// <summary>Restores the mode.</summary>
        public void Dispose() => _context.GradEnabled = _before;
    }
}
