namespace NetZero.Planning;

/// <summary>Completes a row's sizes to a model: what a table does not say (biases, gates, tied heads) follows from the family's name and the published parameter count.</summary>
internal static class PublishedModel
{
    public static ModelDescription Of(PublishedRow row)
    {
        var (heads, hidden) = (row.Count("heads"), row.Count("hidden"));
        if (heads == 0 || hidden == 0 || row.Count("layers") == 0)
            throw new ArgumentException("the row gives no sizes of the model (layers, hidden, heads)");
        var name = row.Model;
        var isGpt = Starts(name, "gpt") || Starts(name, "mpt") || Starts(name, "mingpt") || Starts(name, "opt") || Starts(name, "bloom");
        var model = new ModelDescription
        {
            Name = name,
            Layers = row.Count("layers"),
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = row.Count("kv_heads") is > 0 and var keys ? keys : heads,
            HeadSize = hidden / heads,
            FeedForward = row.Count("ffn") is > 0 and var width ? width : 4 * hidden,
            Vocabulary = row.Count("vocab") is > 0 and var vocabulary ? vocabulary : throw new ArgumentException("the row gives no vocabulary"),
            Positions = Starts(name, "mpt") || Starts(name, "gpt2") || Starts(name, "gpt3") ? row.Count("seq") : 0,
            LinearBias = isGpt,
            AttentionInputBias = Starts(name, "qwen") || Starts(name, "intern"),
            NormBias = isGpt,
            Gated = !isGpt,
            TiedHead = isGpt,
        };
        return Nearest(model, row.Number("params_b") * 1e9).Checked();
    }

    // Of a gate or none and a tied head or not, what comes nearest to the published count; the family's own where none is published.
    private static ModelDescription Nearest(ModelDescription model, double published) => published <= 0
        ? model
        : new[]
        {
            model, model with { TiedHead = !model.TiedHead }, model with { Gated = !model.Gated }, model with { Gated = !model.Gated, TiedHead = !model.TiedHead },
        }.MinBy(candidate => Math.Round(Math.Abs(candidate.Parameters / published - 1), 2))!;

    private static bool Starts(string name, string family) => name.StartsWith(family, StringComparison.OrdinalIgnoreCase);
}
