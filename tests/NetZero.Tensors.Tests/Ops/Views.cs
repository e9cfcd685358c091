using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Inputs of shape [3, 5] as gradient checks of elementwise ops want them: whole, transposed, sliced, repeated.</summary>
internal static class Views
{
    public static GradientInput[] Of3By5(double low, double high) =>
    [
        new([3, 5], low, high),
        new([5, 3], low, high) { View = leaf => leaf.Transpose() },
        new([4, 9], low, high) { View = leaf => leaf.Slice(0, 1, 3).Slice(1, 2, 5) },
        new([3, 1], low, high) { View = leaf => leaf.Expand([3, 5]) },
        new([5], low, high) { View = leaf => leaf.Expand([3, 5]) },
        new([1, 3, 10, 2], low, high) { View = leaf => leaf.Slice(3, 1, 1).Slice(2, 3, 5).Reshape(3, 5) },
    ];
}
