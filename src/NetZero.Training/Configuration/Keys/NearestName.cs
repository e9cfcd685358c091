using NetZero.Planning;

namespace NetZero.Training.Keys;

/// <summary>Which known key someone meant.</summary>
internal static class NearestName
{
    // A key of another section is as far as one typing mistake, so that a misspelled neighbour wins over it.
    private const int OtherSection = 1;

    // "warmup_steps" means "warmup_num_steps" rather than "steps": what is left out of words or of a name is one mistake.
    private const int LeftOut = 1;

    // "batch" means "train_batch_size" rather than "betas", and "fwd" "forward": a name within the other, or its abbreviation, counts as two mistakes at most.
    private const int WithinTheOther = 2;

    /// <summary>The known path nearest to <paramref name="name"/> in section <paramref name="section"/> ("" is the top). The name may be a path itself, any part of it misspelled.</summary>
    public static string Find(string section, string name, IEnumerable<string> paths)
    {
        var given = Parts(section.Length == 0 ? name : $"{section}.{name}");
        return paths.MinBy(path => Distance(given, path.Split('.')))!;
    }

    // "groups[1]" is an item of "groups", whose keys are known by the list's name.
    private static string[] Parts(string path) =>
        [.. path.ToLowerInvariant().Split('.').Select(part => part.EndsWith(']') && part.Contains('[', StringComparison.Ordinal) ? part[..part.LastIndexOf('[')] : part)];

    private static int Distance(string[] given, string[] known) =>
        Math.Min(Between(given[^1], known[^1]) + Sections(given[..^1], known[..^1]), OneName(given, known));

    // "train.batch_size" means "train_batch_size": a dot in a name is one mistake.
    private static int OneName(string[] given, string[] known) =>
        given.Length == known.Length ? int.MaxValue : OtherSection + EditDistance.Between(string.Join('_', given), string.Join('_', known));

    // Sections that are not named at all are one mistake together; of those that are, each is misspelled, missing or one too many.
    private static int Sections(string[] given, string[] known)
    {
        if (given.SequenceEqual(known))
            return 0;
        if (given.Length == 0 || known.Length == 0)
            return OtherSection;
        return Math.Min(
            Math.Min(Between(given[^1], known[^1]), WithinTheOther) + Sections(given[..^1], known[..^1]),
            OtherSection + Math.Min(Sections(given[..^1], known), Sections(given, known[..^1])));
    }

    private static int Between(string given, string known)
    {
        var distance = EditDistance.Between(given, known);
        if (IsShorterFor(known, given) || IsShorterFor(given, known))
            return Math.Min(distance, LeftOut);
        if (given.Length < 3)
            return distance;
        var words = given.Split('_');
        if (words.Length > 1 && words.All(known.Split('_').Contains))
            return Math.Min(distance, LeftOut);
        return known.Contains(given, StringComparison.Ordinal) || given.Contains(known, StringComparison.Ordinal) || Abbreviates(given, known)
            ? Math.Min(distance, WithinTheOther)
            : distance;
    }

    // "fwd" is "forward": letters are left out behind the first.
    private static bool Abbreviates(string given, string known)
    {
        if (given[0] != known[0])
            return false;
        var at = 0;
        foreach (var letter in known)
            if (at < given.Length && given[at] == letter)
                at++;
        return at == given.Length;
    }

    // "learning_rate" is "lr", and "wd" is "weight_decay".
    private static bool IsShorterFor(string initials, string name) =>
        initials.Length > 1 && name.Split('_', StringSplitOptions.RemoveEmptyEntries).Select(word => word[0]).SequenceEqual(initials);
}
