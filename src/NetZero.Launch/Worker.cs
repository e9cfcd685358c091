using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace NetZero.Launch;

/// <summary>One worker process and what it writes.</summary>
internal sealed class Worker : IDisposable
{
    private readonly Process _process;
    private readonly StreamWriter _log;
    private readonly Action<WorkerLine> _onLine;
    private readonly Lock _writing = new();

    private Worker(int rank, Process process, StreamWriter log, Action<WorkerLine> onLine)
    {
        Rank = rank;
        _process = process;
        _log = log;
        _onLine = onLine;
        ProcessId = process.Id;
        Ended = Task.WhenAll(ReadAsync(process.StandardOutput, isError: false), ReadAsync(process.StandardError, isError: true), process.WaitForExitAsync());
    }

    public int Rank { get; }

    public int ProcessId { get; }

    /// <summary>Completes when the process has ended and all that it wrote has been passed on.</summary>
    public Task Ended { get; }

    public int ExitCode => _process.ExitCode;

    /// <summary>Starts a rank.</summary>
    public static Worker Start(LaunchOptions options, int rank, IPEndPoint coordinator, string job, Action<WorkerLine> onLine)
    {
        var start = new ProcessStartInfo(options.Program, options.Arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in (ReadOnlySpan<(string, int)>)
            [("RANK", rank), ("LOCAL_RANK", rank), ("WORLD_SIZE", options.Processes), ("LOCAL_WORLD_SIZE", options.Processes),
            ("MASTER_PORT", coordinator.Port), ("NETZERO_RESTART_COUNT", options.RestartCount), ("NETZERO_LAUNCHER", Environment.ProcessId)])
        {
            start.Environment[name] = value.ToString(CultureInfo.InvariantCulture);
        }

        start.Environment["MASTER_ADDR"] = coordinator.Address.ToString();
        start.Environment["NETZERO_JOB"] = job;
        start.Environment.Remove("NETZERO_RENDEZVOUS_FILE");
        var log = new StreamWriter(Path.Combine(options.LogFolder, $"rank-{rank}.log"), append: options.RestartCount > 0) { AutoFlush = true };
        return new Worker(rank, Process.Start(start)!, log, onLine);
    }

    public void Interrupt()
    {
        if (!Ended.IsCompleted)
            Signals.SendInterrupt(ProcessId);
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has just ended by itself.
        }
    }

    /// <summary>Closes what is open, and removes the runtime's diagnostic pipes, which a killed process leaves in the temporary folder.</summary>
    public void Dispose()
    {
        _process.Dispose();
        _log.Dispose();
        if (OperatingSystem.IsWindows())
            return;
        foreach (var pattern in (ReadOnlySpan<string>)[$"dotnet-diagnostic-{ProcessId}-*", $"clr-debug-pipe-{ProcessId}-*"])
        {
            foreach (var path in Directory.EnumerateFiles(Path.GetTempPath(), pattern))
                File.Delete(path);
        }
    }

    private async Task ReadAsync(StreamReader reader, bool isError)
    {
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (_writing)
                _log.WriteLine(line);
            _onLine(new WorkerLine(Rank, isError, line));
        }
    }
}
