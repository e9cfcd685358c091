namespace NetZero.Checkpoints;

/// <summary>Which bytes of a tensor have been written: disjoint ranges, sorted, neighbours merged. Pieces may come in any order, once.</summary>
internal sealed class WrittenRanges
{
    private readonly List<(long Start, long End)> _ranges = [];

    /// <summary>Adds a range that no earlier one touches; false when it overlaps one.</summary>
    public bool TryAdd(long start, long end)
    {
        if (start == end)
            return true;
        var at = 0;
        while (at < _ranges.Count && _ranges[at].End < start)
            at++;

        // Here the range at `at`, if any, ends at or after our start.
        if (at < _ranges.Count && _ranges[at].End == start)
        {
            if (at + 1 < _ranges.Count && _ranges[at + 1].Start < end)
                return false;
            _ranges[at] = (_ranges[at].Start, end);
            MergeWithNext(at);
            return true;
        }
        if (at < _ranges.Count && _ranges[at].Start < end)
            return false;
        _ranges.Insert(at, (start, end));
        MergeWithNext(at);
        return true;
    }

    /// <summary>The first gap below <paramref name="length"/>, or null when all is written.</summary>
    public (long Start, long End)? FirstGap(long length)
    {
        if (length == 0)
            return null;
        if (_ranges.Count == 0)
            return (0, length);
        if (_ranges[0].Start > 0)
            return (0, _ranges[0].Start);
        return _ranges[0].End == length ? null : (_ranges[0].End, _ranges.Count > 1 ? _ranges[1].Start : length);
    }

    private void MergeWithNext(int at)
    {
        if (at + 1 < _ranges.Count && _ranges[at].End == _ranges[at + 1].Start)
        {
            _ranges[at] = (_ranges[at].Start, _ranges[at + 1].End);
            _ranges.RemoveAt(at + 1);
        }
    }
}
