using System.Runtime.InteropServices;

namespace NetZero.Cli;

/// <summary>Ctrl+C and SIGTERM, while a verb runs.</summary>
/// <remarks>
/// A verb ends at once, and the process within two seconds, whatever still computes. One that has something to finish first says so with <see cref="FinishFirst"/>: then
/// the first signal asks it to finish, and the second ends it.
/// </remarks>
internal sealed class Interrupts : IDisposable
{
    // What shells add to a signal's number for an exit code.
    private const int Shells = 128;

    private readonly CancellationTokenSource _finish = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource<int> _gaveUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<PosixSignalRegistration> _registrations = [];
    private Finishing? _finishing;
    private int _signals;

    private sealed record Finishing(Action Announce, bool Always);

    /// <summary>How long the verb has to end; after that the process ends without it. Unless set, so long that the end of the process
    /// fits into the two seconds as well.</summary>
    /// <remarks>A verb that has started processes needs as long as it gives them, and a little more to say what became of them.</remarks>
    public TimeSpan EndWithin { get; set; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Cancelled when the verb should finish what it has at hand, and end.</summary>
    public CancellationToken Finish => _finish.Token;

    /// <summary>Cancelled when the verb should end.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>Completes with an exit code when the verb was to end and has not.</summary>
    public Task<int> GaveUp => _gaveUp.Task;

    /// <summary>Begins to listen.</summary>
    public void Listen()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, context => On(context, 2)));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => On(context, 15)));
    }

    /// <summary>From now on the first signal asks to finish.</summary>
    /// <param name="announce">Called with the first signal.</param>
    /// <param name="always">
    /// Whether later signals ask for nothing else: a process that a launcher has started hears Ctrl+C from the terminal and from the launcher, which ends it when that is wanted.
    /// </param>
    public void FinishFirst(Action announce, bool always) => Volatile.Write(ref _finishing, new Finishing(announce, always));

    /// <summary>Ends listening.</summary>
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }

    private void On(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        var first = Interlocked.Increment(ref _signals) == 1;
        if (Volatile.Read(ref _finishing) is { } finishing && (first || finishing.Always))
        {
            if (!first)
                return;
            finishing.Announce();
            _ = _finish.CancelAsync();
            return;
        }

        _ = GiveUpAsync(Shells + signal);
        _ = _end.CancelAsync();
    }

    private async Task GiveUpAsync(int exitCode)
    {
        await Task.Delay(EndWithin);
        _gaveUp.TrySetResult(exitCode);
    }
}
