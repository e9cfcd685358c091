namespace NetZero.Planning;

/// <summary>Completes a row's sizes to a model: what a table does not say (biases, gates, tied heads) follows from the family's name and the published parameter count.</summary>
internal static class PublishedModel
{
    // What most rows have that give both.
    private const int AssumedHeadSize = 128;
    private const int AssumedGptVocabulary = 50257;
    private const int AssumedVocabulary = 32000;

    /// <summary>The model; what was assumed is added to <paramref name="assumed"/>.</summary>
    /// <exception cref="ArgumentException">The row gives too little.</exception>
    public static ModelDescription Of(PublishedRow row, ICollection<string> assumed)
    {
        var name = row.Model;
        var known = Known(name);

        // Tables have no column for experts.
        if (known is { Experts: > 1 })
            return known;
        var (layers, hidden, heads, vocabulary) = (row.Count("layers"), row.Count("hidden"), row.Count("heads"), row.Count("vocab"));
        if (known is not null && (layers == 0 || hidden == 0 || heads == 0 || vocabulary == 0))
        {
            assumed.Add($"sizes of {known.Name}");
            return known with { Positions = known.Positions > 0 && row.Count("seq") > 0 ? row.Count("seq") : known.Positions };
        }

        if (hidden == 0 || layers == 0)
            throw new ArgumentException("the row gives no sizes of the model (layers, hidden), and its name is not known");
        var isGpt = Starts(name, "gpt") || Starts(name, "mpt") || Starts(name, "mingpt") || Starts(name, "opt") || Starts(name, "bloom");
        if (heads == 0)
        {
            heads = Math.Max(1, hidden / AssumedHeadSize);
            assumed.Add($"{heads} heads");
        }

        if (vocabulary == 0)
        {
            vocabulary = isGpt ? AssumedGptVocabulary : AssumedVocabulary;
            assumed.Add($"vocabulary {vocabulary}");
        }

        var model = new ModelDescription
        {
            Name = name,
            Layers = layers,
            Hidden = hidden,
            Heads = heads,
            KeyValueHeads = row.Count("kv_heads") is > 0 and var keys ? keys : heads,
            HeadSize = hidden / heads,
            FeedForward = row.Count("ffn") is > 0 and var width ? width : 4 * hidden,
            Vocabulary = vocabulary,
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

    // Whatever separates family and size; Llama 3.1 has the sizes of Llama 3.
    private static ModelDescription? Known(string name)
    {
        var letters = Letters(name.Replace("3.1", "3", StringComparison.Ordinal));
        return letters.Length == 0 ? null : ModelCatalog.All.FirstOrDefault(model => Letters(model.Name) == letters);
    }

    private static string Letters(string name) => string.Concat(name.Where(c => char.IsLetterOrDigit(c) || c == '.')).ToUpperInvariant();
}
