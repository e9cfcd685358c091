using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>Memory for a whole model on one device, without sharding.</summary>
public static class ModuleMaterialization
{
    /// <summary>Gives every parameter memory (kept until the context ends) and its values: F32, or the type that it was built with.</summary>
    /// <param name="module">The model.</param>
    /// <param name="context">Where the memory comes from.</param>
    /// <param name="source">Where the values come from; by default the initialisers, keyed by the context's seed.</param>
    /// <param name="requireGrad">Whether the parameters are leaves whose gradients are wanted; fixed ones and U8 ones are not in any case.</param>
    public static void Materialize(this Module module, TensorContext context, IParameterSource? source = null, bool requireGrad = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(context);
        source ??= new InitialValues(context.Random.Seed);
        foreach (var (name, parameter) in module.NamedParameters())
        {
            var value = context.Empty(parameter.Shape, parameter.DType ?? DType.F32, MemoryKind.Parameter, name).Keep();
            if (context.Device.HasMemory)
                FlatMemory.Fill(value, 0, parameter.Shape.Elements, (first, span) => source.Read(name, parameter, first, span));
            parameter.Bind(requireGrad && !parameter.IsFixed && value.DType.IsFloatingPoint() ? value.RequireGrad() : value);
        }
    }
}
