namespace NetZero.Planning;

/// <summary>Models known by name: GPT-2, GPT-3, Llama 2 and 3, Qwen 2.5, MPT and Mixtral in their published sizes.</summary>
public static class ModelCatalog
{
    private static readonly Dictionary<string, ModelDescription> _byName =
        Gpt2Sizes.All.Concat(LlamaSizes.All).Concat(MptSizes.All).ToDictionary(model => model.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>All of them, by family and size.</summary>
    public static IReadOnlyCollection<ModelDescription> All => _byName.Values;

    /// <summary>The model of that name, whatever its case, or of a Hugging Face folder or <c>config.json</c>.</summary>
    /// <exception cref="ArgumentException">No such model; the nearest name is given.</exception>
    public static ModelDescription Find(string name) => HuggingFaceModel.IsPath(name)
        ? HuggingFaceModel.Read(name)
        : _byName.TryGetValue(name, out var model) ? model : throw new ArgumentException(UnknownName.Message("model", name, _byName.Keys));
}
