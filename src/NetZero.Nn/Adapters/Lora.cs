namespace NetZero.Nn;

/// <summary>Low-rank adaptation (Hu et al. 2021): a model's own parameters are fixed, and small adapters of its linear layers are trained.</summary>
public static class Lora
{
    /// <summary>Puts adapters on the linear layers that the options mean, and fixes all other parameters. Before the model has memory.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">The settings.</param>
    /// <param name="storage">What the fixed parameters are kept in.</param>
    /// <exception cref="ArgumentException">Settings that cannot be, or a target that means no layer; the message names those that there are. The model is as it was.</exception>
    public static void Apply(Module model, LoraOptions options, BaseStorage? storage = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var layers = LoraTargets.Find(model, options.TargetModules);
        foreach (var (_, parameter) in model.NamedParameters().ToList())
            parameter.Fix(storage?.DType);
        if (storage?.Format is { } format)
            foreach (var weight in model.NamedModules().Select(m => m.Module switch { Linear linear => linear.Weight, Embedding { IsProjected: true } table => table.Weight, _ => null }).OfType<Parameter>().Distinct())
                weight.Quantize(format);
        foreach (var (_, layer) in layers)
            layer.Attach(options);
    }

    /// <summary>The layers with adapters by their full names.</summary>
    public static IEnumerable<(string Name, Linear Layer)> Adapted(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.NamedModules().Where(m => m.Module is Linear { Adapter: not null }).Select(m => (m.Name, (Linear)m.Module)).DistinctBy(m => m.Item2);
    }

    /// <summary>The adapters' parameters by their full names, such as <c>h.0.attn.c_attn.lora_A.weight</c>, in the model's order.</summary>
    public static IEnumerable<(string Name, Parameter Parameter)> Parameters(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var own = Adapted(model).SelectMany(l => (Parameter[])[l.Layer.Adapter!.Down.Weight, l.Layer.Adapter.Up.Weight]).ToHashSet();
        return model.NamedParameters().Where(p => own.Contains(p.Parameter));
    }

    /// <summary>Merges all adapters of a model on one device into the weights; see <see cref="LoraAdapter.Merge"/>.</summary>
    /// <exception cref="InvalidOperationException">One is merged already.</exception>
    public static void Merge(Module model)
    {
        foreach (var (_, layer) in Adapted(model))
            layer.Adapter!.Merge();
    }

    /// <summary>Takes all adapters out of the weights again; see <see cref="LoraAdapter.Unmerge"/>.</summary>
    /// <exception cref="InvalidOperationException">One is not merged.</exception>
    public static void Unmerge(Module model)
    {
        foreach (var (_, layer) in Adapted(model))
            layer.Adapter!.Unmerge();
    }
}
