namespace NetZero.Planning;

/// <summary>Runs tasks on lanes: a lane runs its tasks one after another, each begins when those before it have ended, and compute is slower while a collective runs.</summary>
/// <remarks>
/// A discrete-event simulation: from one end of a task to the next, rates are constant. No clock and no random number is involved, so the same tasks always give the
/// same times.
/// </remarks>
/// <param name="contention">The share of compute that a running collective takes.</param>
public sealed class Simulator(double contention)
{
    private const int Lanes = 3;

    /// <summary>When each task runs, in the order given.</summary>
    /// <exception cref="ArgumentException">Tasks that wait for each other.</exception>
    public TimedTask[] Run(IReadOnlyList<SimulatedTask> tasks)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        var queues = new Queue<int>[Lanes];
        for (var lane = 0; lane < Lanes; lane++)
            queues[lane] = new Queue<int>(Enumerable.Range(0, tasks.Count).Where(i => (int)tasks[i].Lane == lane));
        var (start, end, done) = (new double[tasks.Count], new double[tasks.Count], new bool[tasks.Count]);
        Span<int> running = [-1, -1, -1];
        Span<double> left = stackalloc double[Lanes];
        Span<double> rates = stackalloc double[Lanes];
        var now = 0.0;
        for (var finished = 0; finished < tasks.Count;)
        {
            for (var lane = 0; lane < Lanes; lane++)
            {
                if (running[lane] >= 0 || !queues[lane].TryPeek(out var next) || !Ready(tasks[next], done))
                    continue;
                running[lane] = queues[lane].Dequeue();
                left[lane] = tasks[next].Seconds;
                start[next] = now;
            }

            var communicates = running[(int)Lane.Inside] >= 0 || running[(int)Lane.Network] >= 0;
            var first = -1;
            for (var lane = 0; lane < Lanes; lane++)
            {
                rates[lane] = lane == (int)Lane.Compute && communicates ? 1 - contention : 1;
                if (running[lane] >= 0 && (first < 0 || left[lane] / rates[lane] < left[first] / rates[first]))
                    first = lane;
            }

            if (first < 0)
                throw new ArgumentException($"{tasks.Count - finished} tasks wait for each other, among them {tasks[Array.IndexOf(done, false)].Name}.");
            var step = left[first] / rates[first];
            now += step;
            for (var lane = 0; lane < Lanes; lane++)
            {
                if (running[lane] < 0)
                    continue;
                left[lane] -= step * rates[lane];
                if (lane != first)
                    continue;
                done[running[lane]] = true;
                end[running[lane]] = now;
                running[lane] = -1;
                finished++;
            }
        }

        return [.. Enumerable.Range(0, tasks.Count).Select(i => new TimedTask(tasks[i], start[i], end[i]))];
    }

    private static bool Ready(SimulatedTask task, bool[] done) => (task.After < 0 || done[task.After]) && (task.AlsoAfter < 0 || done[task.AlsoAfter]);
}
