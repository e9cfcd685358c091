using NetZero.Testing;

namespace NetZero.Tensors.Tests;

/// <summary>Views against central differences of their definitions: values are copies, gradients sums of at most as many terms as repeats.</summary>
public class ViewGradientTests
{
    [Fact]
    public void Reshape_AnyView_KeepsTheOrderOfElements()
    {
        foreach (var input in Views.Of3By5(-2, 2))
            GradientCheck.Run(t => t[0].Reshape(5, 1, -1), x => [.. x[0]], 4, input);
    }

    // y[k, i, j] = x[i, j, k].
    [Fact]
    public void Permute_ThreeDimensions_ReordersAndBack()
    {
        GradientInput[] inputs = [new([2, 3, 4]), new([2, 4, 3]) { View = leaf => leaf.Transpose() }];
        foreach (var input in inputs)
        {
            GradientCheck.Run(
                t => t[0].Permute(2, 0, 1), x => [.. from k in Range(4) from i in Range(2) from j in Range(3) select x[0][(((i * 3) + j) * 4) + k]],
                1, input);
        }
    }

    [Fact]
    public void Slice_AnyView_LeavesZeroGradientsOutside()
    {
        foreach (var input in Views.Of3By5(-2, 2))
        {
            GradientCheck.Run(
                t => t[0].Slice(1, 1, 3), x => [.. from i in Range(3) from j in Range(3) select x[0][(i * 5) + j + 1]], 4, input);
        }
    }

    [Fact]
    public void Slice_OverlappingParts_AddTheirGradients() => GradientCheck.Run(
        t => t[0].Slice(0, 0, 2) + t[0].Slice(0, 1, 2),
        x => [.. Range(10).Select(i => x[0][i] + x[0][i + 5])],
        4,
        new GradientInput([3, 5]));

    [Fact]
    public void Expand_NewDimensionsAndExtentsOfOne_SumTheGradientsOfRepeats()
    {
        foreach (var input in Views.Of3By5(-2, 2))
            GradientCheck.Run(t => t[0].Expand([4, 3, 5]), x => [.. x[0], .. x[0], .. x[0], .. x[0]], 8, input);
        GradientCheck.Run(
            t => t[0].Expand([2, 3, 4]),
            x => [.. from i in Range(2) from j in Range(3) from k in Range(4) select x[0][j]],
            8,
            new GradientInput([3, 1]));
    }

    [Fact]
    public void Views_OfViews_PassGradientsThroughAllOfThem() => GradientCheck.Run(
        t => t[0].Transpose().Slice(0, 1, 2).Expand([2, 2, 3]).Reshape(4, 3) * t[0].Reshape(5, 3).Slice(0, 0, 4),
        x => [.. from i in Range(4) from j in Range(3) select x[0][(j * 5) + 1 + (i % 2)] * x[0][(i * 3) + j]],
        8,
        new GradientInput([3, 5]));

    private static IEnumerable<int> Range(int count) => Enumerable.Range(0, count);
}
