using System.Globalization;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary>What <c>netzero bench train</c> measured.</summary>
internal static class BenchReport
{
    public static void WriteText(TextWriter output, TrainingBenchmarkOptions options, TrainingBenchmarkResult result)
    {
        output.WriteLine(
            $"shape {options.Shape.Name}, {ProgressText.Count(options.Ranks, "rank")} of {ProgressText.Count(options.ThreadsPerRank, "thread")}, ZeRO stage {options.Stage}, {options.Precision}, "
            + $"{(options.LoraRank > 0 ? $"adapters of rank {options.LoraRank}, " : "")}{ProgressText.Count(options.Steps, "step")}");
        output.WriteLine($"speed       {ProgressText.Speed(result.TokensPerSecond)} in the median step");

        // The formula counts the gradients of all weights, which adapters leave out.
        if (options.LoraRank == 0)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"compute     {result.Gflops:N1} GFLOP/s, {result.FmaPeakShare:P1} of the {result.FmaPeakGflops:N1} that these threads reach with multiply-adds alone"));
        }

        output.WriteLine($"memory      {ByteSize.Show(result.PeakBytes)} at the peak of a rank");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"first step  done {result.FirstStepSeconds:0.00} s after the process started"));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"steady      {result.SteadySystemAllocations} requests for native memory, {ByteSize.Show((long)result.ManagedBytesPerStep)} of managed memory "
            + $"a rank and step, {result.Gen2Collections} full collections"));
    }

    public static void WriteJson(TextWriter output, TrainingBenchmarkOptions options, TrainingBenchmarkResult result) => JsonLine.Write(output, json =>
    {
        json.WriteString("shape", options.Shape.Name);
        json.WriteNumber("ranks", options.Ranks);
        json.WriteNumber("stage", options.Stage);
        json.WriteNumber("threads", options.ThreadsPerRank);
        json.WriteString("precision", options.Precision);
        if (options.LoraRank > 0)
            json.WriteNumber("lora", options.LoraRank);
        json.WriteNumber("steps", options.Steps);
        JsonLine.Number(json, "tokens_per_second", result.TokensPerSecond);
        if (options.LoraRank == 0)
        {
            JsonLine.Number(json, "gflops", result.Gflops);
            JsonLine.Number(json, "fma_peak_gflops", result.FmaPeakGflops);
            JsonLine.Number(json, "fma_peak_share", result.FmaPeakShare);
        }

        json.WriteNumber("peak_bytes", result.PeakBytes);
        JsonLine.Number(json, "first_step_seconds", result.FirstStepSeconds);
        json.WriteNumber("steady_system_allocations", result.SteadySystemAllocations);
        JsonLine.Number(json, "managed_bytes_per_step", result.ManagedBytesPerStep);
        json.WriteNumber("gen2_collections", result.Gen2Collections);
    });
}
