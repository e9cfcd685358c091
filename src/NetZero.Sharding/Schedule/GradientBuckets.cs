namespace NetZero.Sharding;

/// <summary>Which units are reduced together: neighbours in the order in which backward completes them, of one stage below 3 and one type on the wire, while they fit the policy's bucket.</summary>
internal sealed class GradientBuckets
{
    private readonly Dictionary<int, IReadOnlyList<int>> _byUnit = [];
    private readonly ModelUnits _model;
    private readonly bool _reduces;

    /// <param name="model">The units.</param>
    /// <param name="bucketElements">The most elements of a bucket of several units; 0 reduces each by itself.</param>
    /// <param name="reduces">Whether there are ranks to reduce over: what then travels in another type than it is written in is copied.</param>
    public GradientBuckets(ModelUnits model, long bucketElements, bool reduces)
    {
        (_model, _reduces) = (model, reduces);
        List<int> open = [];
        foreach (var unit in CompletionOrder(model))
        {
            if (open.Count > 0 && !Joins(model, open, unit, bucketElements))
                open = [];
            open.Add(unit);
            _byUnit[unit] = open;
        }
    }

    /// <summary>The units reduced together with one, in the order of their completion.</summary>
    public IReadOnlyList<int> Of(int unit) => _byUnit[unit];

    /// <summary>Whether a unit is copied into its bucket: because it shares that, or is converted.</summary>
    public bool IsPacked(int unit) => _byUnit[unit].Count > 1 || (_reduces && _model.Units[unit].Precision.ConvertsGradients);

    /// <summary>Whether a unit is the last of its bucket.</summary>
    public bool Closes(int unit) => _byUnit[unit][^1] == unit;

    private static bool Joins(ModelUnits model, List<int> open, int unit, long bucketElements)
    {
        var stage = model.Units[unit].Policy.Stage;
        return stage < 3 && model.Units[open[0]].Policy.Stage == stage && model.Units[open[0]].Precision.Reduction == model.Units[unit].Precision.Reduction
            && open.Append(unit).Sum(u => model.Units[u].Layout.PaddedElements) <= bucketElements;
    }

    // A block is complete when backward has left the first of its visits; the root when it has left all.
    private static IEnumerable<int> CompletionOrder(ModelUnits model) =>
        model.Visits.Distinct().Reverse().Append(0).SelectMany(block => model.Blocks[block].Units).Where(unit => model.Units[unit].Trains);
}
