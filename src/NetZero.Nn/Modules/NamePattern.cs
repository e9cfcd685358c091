namespace NetZero.Nn;

/// <summary>A pattern of dotted names: <c>*</c> stands for any characters within one part of a name, <c>**</c> for any across parts, <c>?</c> for one within a part.</summary>
/// <remarks><c>h.*</c> matches <c>h.3</c> and not <c>h.3.attn</c>; <c>**.bias</c> matches every bias that lies in a module.</remarks>
public static class NamePattern
{
    private const int Shown = 6;

    /// <summary>Some of the names that there are, for a message about a pattern that none fits.</summary>
    public static string Sample(IReadOnlyCollection<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var shown = string.Join(", ", names.Take(Shown).Select(name => $"'{name}'"));
        return names.Count > Shown ? $"{shown} and {names.Count - Shown} more" : shown;
    }

    /// <summary>Whether the whole name fits the pattern. Upper and lower case differ.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        while (pattern.Length > 0 && pattern[0] != '*')
        {
            if (name.Length == 0 || (pattern[0] == '?' ? name[0] == '.' : pattern[0] != name[0]))
                return false;
            pattern = pattern[1..];
            name = name[1..];
        }

        if (pattern.Length == 0)
            return name.Length == 0;
        var crosses = pattern.Length > 1 && pattern[1] == '*';
        var rest = pattern[(crosses ? 2 : 1)..];
        for (var taken = 0; ; taken++)
        {
            if (Matches(rest, name[taken..]))
                return true;
            if (taken == name.Length || (name[taken] == '.' && !crosses))
                return false;
        }
    }
}
