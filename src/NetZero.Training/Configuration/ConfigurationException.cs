namespace NetZero.Training;

/// <summary>
/// A mistake in what the user asked for: the configuration, the data it names, or the folder to write to. Nothing has been written when it
/// is thrown.
/// </summary>
public sealed class ConfigurationException : Exception
{
    /// <summary>Reports one mistake.</summary>
    /// <param name="problem">One line: what is wrong, what was found, what was expected, what to do.</param>
    /// <param name="inner">The failure underneath, if any.</param>
    public ConfigurationException(string problem, Exception? inner = null)
        : base(OneLine(problem), inner) =>
        Problems = [Message];

    /// <summary>Reports several mistakes that were found together, a line each.</summary>
    public ConfigurationException(IReadOnlyList<string> problems)
        : this(problems, [.. problems.Select(OneLine)])
    {
    }

    private ConfigurationException(IReadOnlyList<string> problems, string[] lines)
        : base(string.Join('\n', lines))
    {
        ArgumentOutOfRangeException.ThrowIfZero(problems.Count);
        Problems = lines;
    }

    /// <summary>The mistakes, each one line.</summary>
    public IReadOnlyList<string> Problems { get; }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
