namespace NetZero.Cli.Tests;

/// <summary>Takes what the tool writes.</summary>
internal sealed class StringTerminal(bool interactive = false) : ITerminal
{
    private readonly StringWriter _out = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };

    public TextWriter Out => _out;

    public TextWriter Error => _error;

    public bool IsInteractive => interactive;

    public string Written => _out.ToString();

    public string Errors => _error.ToString();
}
