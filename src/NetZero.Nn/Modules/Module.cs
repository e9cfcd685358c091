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
    private readonly List<(string Name, Module Module, bool IsUnit)> _children = [];

    /// <summary>Told when a call begins and ends; set by the sharding engine on the modules that are units.</summary>
    public IModuleHooks? Hooks { get; set; }

    /// <summary>All parameters with their full names, each once, in order of registration, parents before children.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> NamedParameters() => NamedParameters("", []);

    /// <summary>This module (name "") and all below it, parents before children.</summary>
    public IEnumerable<(string Name, Module Module)> NamedModules() => NamedModules("");

    /// <summary>The modules declared as sharding units, in order of registration; units do not nest.</summary>
    public IEnumerable<(string Name, Module Module)> Units() => Units("");

    /// <summary>How many elements all parameters have together.</summary>
    public long ParameterCount() => NamedParameters().Sum(p => p.Parameter.Shape.Elements);

    /// <summary>Registers a parameter.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    protected Parameter AddParameter(string name, Shape shape, Initializer initializer)
    {
        CheckFree(name);
        var parameter = new Parameter(name, shape, initializer);
        _parameters.Add(parameter);
        return parameter;
    }

    /// <summary>Registers a child module.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    protected TModule AddChild<TModule>(string name, TModule module)
        where TModule : Module
    {
        CheckFree(name);
        _children.Add((name, module, false));
        return module;
    }

    /// <summary>Registers a child module that is a sharding unit: a block, gathered and released as a whole.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    protected TModule AddUnit<TModule>(string name, TModule module)
        where TModule : Module
    {
        CheckFree(name);
        _children.Add((name, module, true));
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

    private IEnumerable<(string Name, Module Module)> Units(string prefix)
    {
        foreach (var child in _children)
        {
            if (child.IsUnit)
                yield return (prefix + child.Name, child.Module);
            else
                foreach (var unit in child.Module.Units($"{prefix}{child.Name}."))
                    yield return unit;
        }
    }
}
