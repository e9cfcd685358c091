using NetZero.Tensors;

namespace NetZero.Planning;

/// <summary>What descriptions call the types that elements have.</summary>
internal static class ElementTypes
{
    /// <summary>The name of a type: <c>bf16</c> or <c>fp16</c>; all others compute as <c>fp32</c>.</summary>
    public static string NameOf(DType dtype) => dtype switch
    {
        DType.BF16 => "bf16",
        DType.F16 => "fp16",
        _ => "fp32",
    };
}
