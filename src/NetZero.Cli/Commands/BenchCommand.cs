using System.CommandLine;
using NetZero.Tensors;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero bench</c>: measures NetZero on this machine.</summary>
internal static class BenchCommand
{
    public static Command Create(ITerminal terminal, RunTrainingBenchmark train, MeasureMachine measure) => new("bench", "Measures NetZero on this machine.")
    {
        BenchTrainCommand.Create(terminal, train),
        CreateGemm(terminal),
        CreateKernels(terminal),
        CreateAdam(terminal),
        CreateMemoryBandwidth(terminal),
        CreateFmaPeak(terminal),
        BenchCollectivesCommand.Create(terminal),
        BenchCheckpointCommand.Create(terminal),
        BenchMachineCommand.Create(terminal, measure),
        BenchPlanCommand.Create(terminal),
    };

    private static Command CreateGemm(ITerminal terminal)
    {
        var filter = Filter("The shapes whose names contain TEXT, such as small or dW.");
        var shape = new Option<string?>("--shape") { Description = "One multiplication [M, K] x [K, N] instead.", HelpName = "MxNxK" };
        return Lines(terminal, "gemm", "Matrix multiplications, each beside the FMA peak.", 0.2, [filter, shape], (parsed, threads, seconds, cancellation) =>
        {
            if (parsed.GetValue(shape) is not { } text)
                return GemmBenchmark.Run(Matching(GemmShape.All, one => one.Name, filter, parsed), threads, seconds, cancellation);
            if (parsed.GetValue(filter) is not null)
                throw new ConfigurationException("--filter chooses from the known shapes and --shape gives one; leave one of them out");
            var given = GemmShape.Parse(text) ?? throw new ConfigurationException($"--shape is '{text}'; expected MxNxK, three whole numbers from 1 to {GemmShape.MaxExtent}, such as 512x768x3072");
            return GemmBenchmark.Run([given], threads, seconds, cancellation);
        });
    }

    private static Command CreateKernels(ITerminal terminal)
    {
        var filter = Filter("The ops whose names contain TEXT, such as Norm.");
        return Lines(
            terminal, "kernels", "The ops beside matrix multiply, each beside a copy of as many bytes or the FMA peak.", 0.2, [filter],
            (parsed, threads, seconds, cancellation) =>
                KernelBenchmark.Run(Matching(KernelBenchmark.Names, name => name, filter, parsed), threads, seconds, cancellation));
    }

    private static Command CreateAdam(ITerminal terminal)
    {
        var parameters = BenchOptions.Number("--parameters", "fp32 parameters, 16 bytes of memory each.", 50_000_000);
        return Lines(
            terminal, "adam", "AdamW and Lion beside passes over memory that compute nothing, and AdamW with narrow moments beside wide ones.", 2, [parameters],
            (parsed, threads, seconds, cancellation) =>
                AdamWBenchmark.Run(threads, BenchOptions.InRange(parameters, parsed, 1, int.MaxValue), seconds, cancellation));
    }

    private static Command CreateMemoryBandwidth(ITerminal terminal)
    {
        var mebibytes = BenchOptions.Number("--mebibytes", "Size of each of four arrays; far more than the caches hold.", 256);
        return Lines(
            terminal, "memory-bandwidth", "How fast memory is read and written.", 2, [mebibytes],
            (parsed, threads, seconds, cancellation) =>
                MemoryBandwidthBenchmark.Run(threads, (long)BenchOptions.InRange(mebibytes, parsed, 1, int.MaxValue) << 20, seconds, cancellation));
    }

    private static Command CreateFmaPeak(ITerminal terminal) => Lines(
        terminal, "fma-peak", "Multiply-adds in registers, with each vector width.", 1, [],
        (_, threads, seconds, cancellation) => FmaPeakBenchmark.Run(threads, seconds, cancellation));

    private static Command Lines(
        ITerminal terminal, string name, string description, double seconds, Option[] options,
        Func<ParseResult, int, double, CancellationToken, IEnumerable<BenchmarkLine>> run)
    {
        var threads = BenchOptions.Threads();
        var time = BenchOptions.Seconds(seconds);
        var json = BenchOptions.Json();
        var command = new Command(name, description) { threads, time, json };
        foreach (var option in options)
            command.Add(option);
        command.SetAction((parsed, cancellation) =>
        {
            var count = BenchOptions.InRange(threads, parsed, 1, BenchOptions.MaxThreads);
            var lines = run(parsed, count, BenchOptions.Positive(time, parsed), cancellation);
            // Ctrl+C is heard on another thread than the one that measures.
            return Task.Run(
                () =>
                {
                    if (parsed.GetValue(json))
                        BenchLines.WriteJson(terminal.Out, name, count, lines);
                    else
                        BenchLines.WriteText(terminal.Out, lines);
                    return ExitCodes.Success;
                },
                CancellationToken.None);
        });
        return command;
    }

    private static Option<string?> Filter(string description) => new("--filter") { Description = description, HelpName = "TEXT" };

    private static List<T> Matching<T>(IReadOnlyList<T> all, Func<T, string> name, Option<string?> filter, ParseResult parsed)
    {
        var text = parsed.GetValue(filter) ?? "";
        var matching = all.Where(one => name(one).Contains(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return matching.Count > 0
            ? matching
            : throw new ConfigurationException($"--filter is '{text}', which no name contains; the names are {string.Join(", ", all.Select(name))}");
    }
}
