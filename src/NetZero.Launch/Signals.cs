using System.Runtime.InteropServices;

namespace NetZero.Launch;

/// <summary>Signals of Unix by name, and sending them.</summary>
internal static partial class Signals
{
    /// <summary>As Ctrl+C.</summary>
    public const int Interrupt = 2;

    // What shells add to a signal's number for an exit code.
    private const int Shells = 128;

    /// <summary>What an exit code says about the end of a process.</summary>
    public static string Describe(int exitCode)
    {
        var name = OperatingSystem.IsWindows() ? null : (exitCode - Shells) switch
        {
            2 => "SIGINT",
            3 => "SIGQUIT",
            4 => "SIGILL",
            6 => "SIGABRT",
            7 => "SIGBUS",
            8 => "SIGFPE",
            9 => "SIGKILL",
            11 => "SIGSEGV",
            15 => "SIGTERM",
            _ => null,
        };
        return name is null ? $"ended with exit code {exitCode}" : $"was ended by {name} (exit code {exitCode})";
    }

    /// <summary>Asks a process to end. Windows has no such request; there processes are given their time and then killed.</summary>
    public static void SendInterrupt(int processId)
    {
        if (!OperatingSystem.IsWindows())
            _ = Kill(processId, Interrupt);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
