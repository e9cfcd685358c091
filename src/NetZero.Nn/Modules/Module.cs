using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A part of a model: parameters, child modules and a forward computation.</summary>
/// <remarks>
/// Derive from <see cref="Layer"/> for a module from one tensor to one tensor. Modules with other signatures enclose their forward in
/// <see cref="Enter"/>, so that scopes and the sharding engine see the call.
/// </remarks>
public abstract class Module
{
    private readonly List<Parameter> _parameters = [];
    private readonly List<(string Name, Module Module, UnitKind Unit)> _children = [];

    /// <summary>Told when a call begins and ends; set by the sharding engine on the modules that are units.</summary>
    public IModuleHooks? Hooks { get; set; }

    /// <summary>All parameters with their full names, each once, in order of registration, parents before children.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() => NamedParameters("", []);

    /// <summary>This module (name "") and all below it, parents before children.</summary>
    public IEnumerable<(string Name, Module Module)> NamedModules() => NamedModules("");

    /// <summary>The modules declared as sharding units, in order of registration; units do not nest. A module that is registered twice is there twice.</summary>
    public IEnumerable<UnitDeclaration> Units() => Units("");

    /// <summary>The parameters that lie in none of some modules, each once; one that lies both inside and outside of them counts.</summary>
    /// <param name="modules">Modules below this one.</param>
    public IReadOnlySet<Parameter> ParametersOutside(IReadOnlySet<Module> modules)
    {
        ArgumentNullException.ThrowIfNull(modules);
        var found = new HashSet<Parameter>();
        AddParametersOutside(modules, found);
        return found;
    }

    /// <summary>How many elements all parameters have together.</summary>
    public long ParameterCount() => NamedParameters().Sum(p => p.Parameter.ValueShape.Elements);

    /// <summary>Registers a parameter.</summary>
    /// <param name="name">The name.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="initializer">How it starts.</param>
    /// <param name="dtype">The type that it has whatever a run's precision is; null takes the run's. See <see cref="Parameter.DType"/>.</param>
    /// <exception cref="ArgumentException">The name is taken, or there are no parameters of that type.</exception>
    protected Parameter AddParameter(string name, Shape shape, Initializer initializer, DType? dtype = null)
    {
        CheckFree(name);
        var parameter = new Parameter(name, shape, initializer, dtype);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Registers a child module.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    protected TModule AddChild<TModule>(string name, TModule module)
        where TModule : Module
    {
        CheckFree(name);
        _children.Add((name, module, UnitKind.None));
        return module;
    }

    /// <summary>Registers a child module that is a sharding unit: a block, gathered and released as a whole.</summary>
    /// <remarks>Units run in the order in which they are registered, once each in a forward pass. One that runs several times is registered once for each.</remarks>
    /// <param name="name">The name.</param>
    /// <param name="module">The block.</param>
    /// <param name="conditional">Whether a forward pass may leave it out, as experts and skipped layers; each rank decides for itself. Its gradients are zero then.</param>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    protected TModule AddUnit<TModule>(string name, TModule module, bool conditional = false)
        where TModule : Module
    {
        CheckFree(name);
        _children.Add((name, module, conditional ? UnitKind.Conditional : UnitKind.Always));
        return module;
    }

    /// <summary>Begins a call: opens its scope and tells the hooks. Dispose the result at the end of the forward.</summary>
    protected ModuleCall Enter(TensorContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        Hooks?.BeforeForward();
        return new ModuleCall(Hooks, context.BeginScope(GetType().Name));
    }

    private void CheckFree(string name)
    {
        if (_parameters.Any(p => p.Name == name) || _children.Any(c => c.Name == name))
            throw new ArgumentException($"{GetType().Name} already has a parameter or child named '{name}'.", nameof(name));
    }

    private IEnumerable<(string Name, Parameter Parameter)> NamedParameters(string prefix, HashSet<Parameter> seen)
    {
        foreach (var parameter in _parameters)
            if (seen.Add(parameter))
                yield return (prefix + parameter.Name, parameter);
        foreach (var child in _children)
            foreach (var named in child.Module.NamedParameters($"{prefix}{child.Name}.", seen))
                yield return named;
    }

    private IEnumerable<(string Name, Module Module)> NamedModules(string name)
    {
        yield return (name, this);
        foreach (var child in _children)
            foreach (var named in child.Module.NamedModules(name.Length == 0 ? child.Name : $"{name}.{child.Name}"))
                yield return named;
    }

    private IEnumerable<UnitDeclaration> Units(string prefix)
    {
        foreach (var child in _children)
        {
            if (child.Unit != UnitKind.None)
                yield return new UnitDeclaration(prefix + child.Name, child.Module, child.Unit == UnitKind.Conditional);
            else
                foreach (var unit in child.Module.Units($"{prefix}{child.Name}."))
                    yield return unit;
        }
    }

    private void AddParametersOutside(IReadOnlySet<Module> modules, HashSet<Parameter> found)
    {
        if (modules.Contains(this))
            return;
        found.UnionWith(_parameters);
        foreach (var child in _children)
            child.Module.AddParametersOutside(modules, found);
    }

    private enum UnitKind
    {
        None,
        Always,
        Conditional,
    }
}

/// <summary>A module that is a sharding unit.</summary>
/// <param name="Name">Its full name.</param>
/// <param name="Module">The module.</param>
/// <param name="IsConditional">Whether a forward pass may leave it out.</param>
public readonly record struct UnitDeclaration(string Name, Module Module, bool IsConditional = false);
