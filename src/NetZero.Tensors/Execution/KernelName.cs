namespace NetZero.Tensors;

/// <summary>What a kernel is called: its type's name and those of its rules, made once.</summary>
internal static class KernelName<TKernel>
    where TKernel : struct, IKernel
{
    public static string Value { get; } = Of(typeof(TKernel));

    private static string Of(Type type)
    {
        var name = Shortened(type.Name.Split('`')[0], "Kernel");
        return type.IsGenericType ? $"{name} {string.Join(' ', type.GetGenericArguments().Select(rule => Shortened(rule.Name.Split('`')[0], "Rule")))}" : name;
    }

    private static string Shortened(string name, string ending) => name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
}
