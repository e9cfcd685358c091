using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Options that the verbs of <c>netzero bench</c> share, and how they are checked.</summary>
internal static class BenchOptions
{
    public static Option<int> Number(string name, string description, int fallback) =>
        new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => fallback };

    public static Option<int> Threads() => Number("--threads", "Threads at once.", 1);

    public static Option<double> Seconds(double fallback) => new("--seconds")
    {
        Description = "Time for each line, and for each measurement of its limit.",
        HelpName = "S",
        DefaultValueFactory = _ => fallback,
    };

    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object." };

    public static int InRange(Option<int> option, ParseResult parsed, int least, int most) => InRange(option.Name, parsed.GetValue(option), least, most);

    public static int InRange(string name, int value, int least, int most)
    {
        var expected = most <= Longest ? $"from {least} to {most}" : $"at least {least}";
        return value >= least && value <= most
            ? value
            : throw new ConfigurationException($"{name} is {value}; expected a whole number, {expected}");
    }

    public static double Positive(Option<double> option, ParseResult parsed)
    {
        var value = parsed.GetValue(option);
        return value > 0 && value <= LongestSeconds
            ? value
            : throw new ConfigurationException(FormattableString.Invariant($"{option.Name} is {value}; expected a number above 0, at most {LongestSeconds}"));
    }

    /// <summary>The most ranks or threads at once: more can only be a slip.</summary>
    public const int MaxThreads = RunConfiguration.MaxThreadsPerRank;

    // Above it a limit is no more than that of the number's type, which tells nobody anything.
    private const int Longest = 1 << 20;

    // An hour for one line: more is a slip.
    private const double LongestSeconds = 3600;
}
