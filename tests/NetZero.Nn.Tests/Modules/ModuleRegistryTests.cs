using NetZero.Tensors;

namespace NetZero.Nn.Tests.Modules;

/// <summary>Names of parameters, children and units.</summary>
public class ModuleRegistryTests
{
    [Fact]
    public void Names_TakenTwice_AreRefused()
    {
        string Message(Action<Open> register) => Assert.Throws<ArgumentException>(() =>
        {
            var module = new Open();
            module.Parameter("weight");
            module.Child("inner", new Linear(1, 1));
            register(module);
        }).Message;

        Assert.StartsWith("Open already has a parameter or child named 'weight'.", Message(m => m.Parameter("weight")), StringComparison.Ordinal);
        Assert.StartsWith("Open already has a parameter or child named 'weight'.", Message(m => m.Child("weight", new Linear(1, 1))), StringComparison.Ordinal);
        Assert.StartsWith("Open already has a parameter or child named 'inner'.", Message(m => m.Parameter("inner")), StringComparison.Ordinal);
        Assert.StartsWith("Open already has a parameter or child named 'inner'.", Message(m => m.Unit("inner", new Linear(1, 1))), StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_ComeInOrderOfRegistration_ParentsFirst_SharedOnesOnce()
    {
        var shared = new Linear(2, 3);
        var module = new Open();
        module.Child("a", shared);
        module.Child("b", shared);
        module.Child("c", new Linear(3, 1, bias: false));
        module.Parameter("scale");

        Assert.Equal(["scale", "a.weight", "a.bias", "c.weight"], module.NamedParameters().Select(p => p.Name));
        Assert.Equal(1 + 6 + 3 + 3, module.ParameterCount());
        Assert.Equal(["", "a", "b", "c"], module.NamedModules().Select(m => m.Name));
    }

    [Fact]
    public void Units_AreFoundAtAnyDepth_AndDoNotNest()
    {
        var block = new Open();
        block.Unit("inner", new Linear(1, 1));
        var stack = new Open();
        stack.Unit("0", block);
        stack.Unit("1", new Linear(1, 1));
        var module = new Open();
        module.Child("stack", stack);
        module.Unit("head", new Linear(1, 1));

        Assert.Equal(["stack.0", "stack.1", "head"], module.Units().Select(unit => unit.Name));
    }

    [Fact]
    public void Parameter_BoundToAnotherShape_IsRefused()
    {
        using var tensors = new TensorContext();
        var weight = new Linear(2, 3).Weight;

        Assert.StartsWith(
            "Parameter 'weight' has shape [3, 2]; it cannot be bound to 'Zeros' F32 [2, 3].",
            Assert.Throws<ArgumentException>(() => weight.Bind(tensors.Zeros([2, 3]))).Message, StringComparison.Ordinal);
        Assert.False(weight.IsBound);
    }

    private sealed class Open : Module
    {
        public void Parameter(string name) => AddParameter(name, [1], Initializer.Zeros);

        public void Child(string name, Module module) => AddChild(name, module);

        public void Unit(string name, Module module) => AddUnit(name, module);
    }
}
