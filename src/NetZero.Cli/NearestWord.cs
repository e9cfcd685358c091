using System.CommandLine;
using NetZero.Planning;

namespace NetZero.Cli;

/// <summary>Which verb or option someone meant whose word is known to no command.</summary>
internal static class NearestWord
{
    // A word that is further away was hardly meant.
    private const int MostMistakes = 2;

    /// <summary>What to add to a parser's message, or nothing where no word is near.</summary>
    public static string Hint(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens is not [var word, ..])
            return "";
        var known = word.StartsWith('-') ? command.Options.Select(option => option.Name) : command.Subcommands.Select(verb => verb.Name);
        var nearest = known.MinBy(name => EditDistance.Between(word, name));
        return nearest is not null && EditDistance.Between(word, nearest) <= MostMistakes ? $" '{word}' is unknown; the nearest is '{nearest}'." : "";
    }
}
