using System.CommandLine;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>Which options stand on the command line.</summary>
internal static class Given
{
    public static bool Is(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>Refuses options that would have no effect.</summary>
    /// <exception cref="ConfigurationException">One is given.</exception>
    public static void Refuse(ParseResult parsed, IEnumerable<Option> options, string beside)
    {
        if (options.FirstOrDefault(option => Is(parsed, option)) is { } given)
            throw new ConfigurationException($"{given.Name} has no effect beside {beside}; leave it out");
    }
}
