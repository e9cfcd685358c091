using System.Globalization;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What <c>netzero bench train</c> measured.</summary>
internal static class BenchReport
{
    public static void WriteText(TextWriter output, TrainBenchmarkOptions options, TrainBenchmarkResult result)
    {
        output.WriteLine($"shape {options.Shape}, {options.Ranks} ranks of {options.Threads} threads, ZeRO stage {options.Stage}, {options.Steps} steps");
        output.WriteLine($"speed       {ProgressText.Speed(result.TokensPerSecond)} in the median step");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"compute     {result.Gflops:N1} GFLOP/s, {result.FmaPeakShare:P1} of the {result.FmaPeakGflops:N1} that these threads reach with multiply-adds alone"));
        output.WriteLine($"memory      {ByteSize.Show(result.PeakBytes)} at the peak of a rank");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"first step  done {result.FirstStepSeconds:0.00} s after the process started"));
    }

    public static void WriteJson(TextWriter output, TrainBenchmarkOptions options, TrainBenchmarkResult result) => JsonLine.Write(output, json =>
    {
        json.WriteString("shape", options.Shape);
        json.WriteNumber("ranks", options.Ranks);
        json.WriteNumber("stage", options.Stage);
        json.WriteNumber("threads", options.Threads);
        json.WriteNumber("steps", options.Steps);
        JsonLine.Number(json, "tokens_per_second", result.TokensPerSecond);
        JsonLine.Number(json, "gflops", result.Gflops);
        JsonLine.Number(json, "fma_peak_gflops", result.FmaPeakGflops);
        JsonLine.Number(json, "fma_peak_share", result.FmaPeakShare);
        json.WriteNumber("peak_bytes", result.PeakBytes);
        JsonLine.Number(json, "first_step_seconds", result.FirstStepSeconds);
    });
}
