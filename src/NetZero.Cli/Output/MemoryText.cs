using NetZero.Tensors;

namespace NetZero.Cli;

/// <summary>Bytes by kind as lines of text.</summary>
internal static class MemoryText
{
    /// <summary>A line for each rank; neighbours with the same bytes share one.</summary>
    public static IEnumerable<string> Lines(IReadOnlyList<KindBytes> ranks)
    {
        for (int first = 0, next; first < ranks.Count; first = next)
        {
            next = first + 1;
            while (next < ranks.Count && Same(ranks[first], ranks[next]))
                next++;
            var who = next - first == 1 ? $"rank {first}" : $"ranks {first}-{next - 1}";
            yield return $"peak memory, {who}: {ranks[first]}";
        }
    }

    /// <summary>Whether any rank's peak of any kind is above what was shown, by more than what can be seen.</summary>
    public static bool Rose(IReadOnlyList<KindBytes> shown, IReadOnlyList<KindBytes> now) =>
        shown.Count != now.Count || Enumerable.Range(0, now.Count).Any(rank => !Same(shown[rank], now[rank]));

    private static bool Same(KindBytes a, KindBytes b) =>
        KindBytes.Names.All(kind => ByteSize.Show(a[kind.Kind]) == ByteSize.Show(b[kind.Kind])) && ByteSize.Show(a.Total) == ByteSize.Show(b.Total);
}
