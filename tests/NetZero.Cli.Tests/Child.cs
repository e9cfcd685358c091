using System.Diagnostics;

namespace NetZero.Cli.Tests;

/// <summary>A child process that a test cannot wait for in vain: after three minutes it is killed, and whoever reads from it or waits for it goes on.</summary>
internal static class Child
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static Process Start(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        _ = EndAsync(process.Id, process.StartTime);
        return process;
    }

    // By number and start, because the test disposes of its own object.
    private static async Task EndAsync(int id, DateTime started)
    {
        await Task.Delay(Limit);
        try
        {
            using var process = Process.GetProcessById(id);
            if (process.StartTime == started)
                process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // It has ended.
        }
    }
}
