using System.Globalization;
using System.Xml.Linq;
using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Planning.Tests;

public class MemoryFigureTests
{
    private static readonly Gpt2Config Shape = new() { LayerCount = 3, HeadCount = 2, EmbeddingSize = 32, PositionCount = 16, VocabularySize = 97 };

    private static ShardingPlan Plan(int stage, int microBatches = 1)
    {
        var model = new Gpt2(Shape);
        return FullyShard.Describe(model, 2, ShardingPolicy.ForStage(stage), module =>
        {
            var optimizer = new AdamW(module);
            var tokens = new int[2 * 16];
            return () =>
            {
                using var step = module.BeginStep();
                for (var micro = 0; micro < microBatches; micro++)
                {
                    using var scope = step.BeginMicroBatch();
                    step.Backward(model.Loss(module.Tensors.From<int>(tokens, [2, 16]), module.Tensors.From<int>(tokens, [2, 16])));
                }

                optimizer.Step();
            };
        }, new ShardingOptions { GradientAccumulationSteps = microBatches });
    }

    private static XElement[] OfClass(string svg, string name, string css) =>
        [.. XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == name && ((string?)e.Attribute("class"))?.Split(' ').Contains(css) == true)];

    [Fact]
    public void Figure_HasAnAreaForEachKindOfTheStep_AndTheLegendSaysItsPeak()
    {
        var svg = MemoryFigure.Draw(Plan(3));
        foreach (var kind in (string[])["parameter", "optimizer", "gradient", "gathered", "activation"])
            Assert.Single(OfClass(svg, "path", kind));
        Assert.Empty(OfClass(svg, "path", "communication"));
        Assert.Empty(OfClass(svg, "path", "measured"));
        Assert.Empty(OfClass(MemoryFigure.Draw(Plan(0)), "path", "gathered"));
        Assert.Contains("prefers-color-scheme: dark", svg, StringComparison.Ordinal);
    }

    [Fact]
    public void Figure_MarksThePhasesOfEachMicroBatch()
    {
        var names = OfClass(MemoryFigure.Draw(Plan(3, 2)), "text", "strong").Select(text => text.Value);
        Assert.Equal(["forward 0", "backward 0", "forward 1", "backward 1"], names.Where(name => name != "update"));
    }

    [Fact]
    public void TopOfTheAreas_IsAsHighAsThePeakLine()
    {
        var svg = MemoryFigure.Draw(Plan(3));
        var peak = double.Parse(((string)OfClass(svg, "path", "peak").Single().Attribute("d")!).Split(' ')[1].Split('H')[0], CultureInfo.InvariantCulture);
        var top = XDocument.Parse(svg).Descendants().Where(e => e.Name.LocalName == "path" && ((string)e.Attribute("d")!).EndsWith('Z'))
            .SelectMany(e => ((string)e.Attribute("d")!).TrimEnd('Z').Split('M', 'L').Where(p => p.Length > 0))
            .Min(p => double.Parse(p.Split(' ')[1], CultureInfo.InvariantCulture));
        Assert.Equal(peak, top, 0.02);
    }

    [Fact]
    public void MeasuredStep_IsALineOverMilliseconds_AndOneOfOtherEventsIsRefused()
    {
        var plan = Plan(3);
        var live = plan.Points.Select(point => point.Live).ToArray();
        var svg = MemoryFigure.Draw(plan, new MeasuredStep([.. Enumerable.Range(1, live.Length).Select(i => i * 0.5)], live));
        Assert.Equal(2, OfClass(svg, "path", "measured").Length);
        Assert.Contains("milliseconds of the measured step", svg, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MemoryFigure.Draw(plan, new MeasuredStep([1], live[..1])));
    }

    [Theory]
    [InlineData(5, new[] { 0d, 1, 2, 3, 4, 5 })]
    [InlineData(53, new[] { 0d, 10, 20, 30, 40, 50 })]
    [InlineData(0.7, new[] { 0, 0.2, 0.4, 0.6 })]
    public void Ticks_AreRoundNumbers(double most, double[] ticks) => Assert.Equal(ticks, ByteAxis.Steps(most, 6), (a, b) => Math.Abs(a - b) < 1e-12);
}
