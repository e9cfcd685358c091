using NetZero.Planning;

namespace NetZero.Training.Keys;

/// <summary>Which known key someone meant.</summary>
internal static class NearestName
{
    // A key of another section is as far as one typing mistake, so that a misspelled neighbour wins over it.
    private const int OtherSection = 1;

    // "batch_size" means "train_batch_size" rather than "vocab_size": a name within the other counts as two mistakes at most.
    private const int WithinTheOther = 2;

    /// <summary>The known path nearest to <paramref name="name"/> in section <paramref name="section"/> ("" is the top).</summary>
    public static string Find(string section, string name, IEnumerable<string> paths) =>
        paths.MinBy(path => Distance(section, name, path))!;

    // "groups[1]" is an item of "groups", whose keys are known by the list's name.
    private static string WithoutIndex(string section) => section.EndsWith(']') ? section[..section.LastIndexOf('[')] : section;

    private static int Distance(string section, string name, string path)
    {
        var dot = path.LastIndexOf('.');
        var leaf = path[(dot + 1)..];
        var distance = EditDistance.Between(name.ToLowerInvariant(), leaf);
        if (name.Length >= 3 && (leaf.Contains(name, StringComparison.OrdinalIgnoreCase) || name.Contains(leaf, StringComparison.OrdinalIgnoreCase)))
            distance = Math.Min(distance, WithinTheOther);
        return distance + (path[..Math.Max(dot, 0)] == WithoutIndex(section) ? 0 : OtherSection);
    }
}
