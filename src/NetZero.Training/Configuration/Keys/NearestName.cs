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

    /// <summary>How many characters must be inserted, deleted, replaced or swapped with their neighbour to turn a into b.</summary>
    public static int EditDistance(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        var beforeLast = new int[b.Length + 1];
        var last = new int[b.Length + 1];
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            last[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
            }
            (beforeLast, last, row) = (last, row, beforeLast);
        }
        return last[b.Length];
    }

    private static int Distance(string section, string name, string path)
    {
        var dot = path.LastIndexOf('.');
        var leaf = path[(dot + 1)..];
        var distance = EditDistance(name.ToLowerInvariant(), leaf);
        if (name.Length >= 3 && (leaf.Contains(name, StringComparison.OrdinalIgnoreCase) || name.Contains(leaf, StringComparison.OrdinalIgnoreCase)))
            distance = Math.Min(distance, WithinTheOther);
        return distance + (path[..Math.Max(dot, 0)] == section ? 0 : OtherSection);
    }
}
