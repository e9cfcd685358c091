namespace NetZero.Cli;

/// <summary>Where the tool writes: the process's console, or strings in tests.</summary>
internal interface ITerminal
{
    TextWriter Out { get; }

    TextWriter Error { get; }

    /// <summary>Whether a person looks at <see cref="Out"/> in a terminal that can be drawn on.</summary>
    bool IsInteractive { get; }
}

/// <summary>The process's console.</summary>
internal sealed class ConsoleTerminal : ITerminal
{
    public static readonly ConsoleTerminal Instance = new();

    public TextWriter Out => Console.Out;

    public TextWriter Error => Console.Error;

    public bool IsInteractive => !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";
}
