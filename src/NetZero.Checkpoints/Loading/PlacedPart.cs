namespace NetZero.Checkpoints;

/// <summary>A part of a block, and where in memory it belongs.</summary>
/// <param name="Part">The part.</param>
/// <param name="Destination">Its place, as many bytes as it has; 0 where it is only to be verified.</param>
internal readonly record struct PlacedPart(BlockPart Part, nint Destination)
{
    /// <summary>Cuts parts into ranges of a file, each worth one request: blocks that lie side by side, up to <paramref name="rangeBytes"/> together.</summary>
    /// <param name="parts">The parts, in any order.</param>
    /// <param name="offsetOf">Where a part's block begins in its file.</param>
    /// <param name="rangeBytes">The most bytes of a range of several blocks.</param>
    /// <returns>The ranges in the order of files, each with where it begins.</returns>
    public static IEnumerable<(long Start, List<PlacedPart> Parts)> Ranges(IEnumerable<PlacedPart> parts, Func<BlockPart, long> offsetOf, int rangeBytes)
    {
        List<PlacedPart> range = [];
        long start = 0, end = 0;
        foreach (var (offset, next) in parts.Select(p => (Offset: offsetOf(p.Part), p)).OrderBy(p => p.p.Part.Piece.File, StringComparer.Ordinal).ThenBy(p => p.Offset))
        {
            if (range.Count > 0 && (offset != end || next.Part.Piece.File != range[0].Part.Piece.File || end + next.Part.BlockBytes - start > rangeBytes))
            {
                yield return (start, range);
                range = [];
            }

            if (range.Count == 0)
                start = offset;
            range.Add(next);
            end = offset + next.Part.BlockBytes;
        }

        if (range.Count > 0)
            yield return (start, range);
    }
}
