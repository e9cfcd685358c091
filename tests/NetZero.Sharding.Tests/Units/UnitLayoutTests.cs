using NetZero.Nn;

namespace NetZero.Sharding.Tests.Units;

public class UnitLayoutTests
{
    private static UnitLayout Layout(int worldSize, params long[] sizes) =>
        new("u", [.. sizes.Select((n, i) => ($"p{i}", new Parameter($"p{i}", [n], Initializer.Zeros)))], worldSize);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(128)]
    public void Slices_CoverEveryElementOnce_AndStartAligned(int worldSize)
    {
        var layout = Layout(worldSize, 17 * 257, 64 * 312, 1, 0, 512 * 64, 297);
        var covered = new Dictionary<(string, long), int>();
        for (var rank = 0; rank < worldSize; rank++)
        {
            Assert.Equal(0, layout.ShardStart(rank) % UnitLayout.AlignmentElements);
            foreach (var range in layout.Ranges(layout.ShardStart(rank), layout.ShardElements))
                for (long i = 0; i < range.Length; i++)
                    covered[(range.ParameterName, range.ParameterStart + i)] = covered.GetValueOrDefault((range.ParameterName, range.ParameterStart + i)) + 1;
        }

        Assert.Equal(layout.Elements, covered.Count);
        Assert.All(covered.Values, count => Assert.Equal(1, count));
    }

    [Theory]
    [InlineData(1, 256)]
    [InlineData(2, 256)]
    [InlineData(3, 255)]
    [InlineData(8, 12289)]
    public void Padding_IsBelowOneAlignmentARank(int worldSize, long elements)
    {
        var layout = Layout(worldSize, elements);
        Assert.InRange(layout.ShardElements - (elements / (double)worldSize), 0, UnitLayout.AlignmentElements - (1.0 / worldSize));
    }
}
