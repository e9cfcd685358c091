using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>Billions of floating-point operations per second in the fastest iteration.</summary>
internal sealed class GflopsColumn : GemmColumn
{
    public override string ColumnName => "GFLOP/s";

    public override string Legend => "2·M·N·K / time of the fastest iteration";

    protected override string Format(double gflops) => gflops.ToString("F1", CultureInfo.InvariantCulture);
}

/// <summary>The same as a share of what the machine can do.</summary>
internal sealed class FmaShareColumn : GemmColumn
{
    private readonly Lazy<double> _peak = new(() => Enumerable.Range(0, 10).Max(_ => FmaPeak.MeasureGflops()));

    public override string ColumnName => "FMA peak";

    public override string Legend => "share of the FMA peak of one thread, measured at the end of the run";

    protected override string Format(double gflops) => (gflops / _peak.Value).ToString("P1", CultureInfo.InvariantCulture);
}

/// <summary>A column worked out from the floating-point operations of the shape.</summary>
internal abstract class GemmColumn : IColumn
{
    public string Id => ColumnName;

    public abstract string ColumnName { get; }

    public abstract string Legend { get; }

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style)
    {
        var shape = (GemmShape)benchmarkCase.Parameters[nameof(GemmBenchmarks.Shape)];
        return summary[benchmarkCase]?.ResultStatistics is { } times ? Format(shape.Flops / times.Min) : "-";
    }

    protected abstract string Format(double gflops);
}
