using NetZero.Tensors;

namespace NetZero.Nn;

/// <summary>A call of a module under way. Tensors made in it and not returned are freed when it is disposed.</summary>
public readonly ref struct ModuleCall
{
    private readonly IModuleHooks? _hooks;
    private readonly OpenScope _scope;

    internal ModuleCall(IModuleHooks? hooks, OpenScope scope)
    {
        _hooks = hooks;
        _scope = scope;
    }

    /// <summary>Ends the forward with its result, which outlives the call.</summary>
    public Tensor Return(Tensor result)
    {
        return _scope.Return(_hooks is null ? result : _hooks.AfterForward(result));
    }

    /// <summary>Closes the scope.</summary>
    public void Dispose() => _scope.Dispose();
}
