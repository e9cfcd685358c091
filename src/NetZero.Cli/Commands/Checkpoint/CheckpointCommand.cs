using System.CommandLine;
using NetZero.Checkpoints;
using NetZero.Training;

namespace NetZero.Cli;

/// <summary><c>netzero checkpoint</c>: looks at checkpoints, checks them, converts them, removes them.</summary>
internal static class CheckpointCommand
{
    public static Command Create(ITerminal terminal) => new("checkpoint", "Looks at checkpoints, checks them, converts them, removes them.")
    {
        CheckpointListVerb.Create(terminal),
        CheckpointInspectVerb.Create(terminal),
        CheckpointVerifyVerb.Create(terminal),
        CheckpointDiffVerb.Create(terminal),
        CheckpointExportVerb.Create(terminal),
        CheckpointImportVerb.Create(terminal),
        CheckpointPruneVerb.Create(terminal),
        CheckpointTransferVerbs.CreatePush(terminal),
        CheckpointTransferVerbs.CreatePull(terminal),
    };

    /// <summary>An argument that names a checkpoint, a folder of them or a run's folder.</summary>
    public static Argument<string> PathArgument(string name, string description) => new(name) { Description = description };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print one JSON object." };

    /// <summary>What a path names.</summary>
    /// <exception cref="ConfigurationException">No checkpoints.</exception>
    public static CheckpointLocation Find(string path) => CheckpointLocation.Find(path)
        ?? throw new ConfigurationException(
            Directory.Exists(path)
                ? $"'{path}' is no checkpoint and holds none; name a checkpoint, a folder of them, or a run's folder"
                : $"'{path}': there is no such folder");

    /// <summary>Opens the checkpoint that a path names; of several, the newest.</summary>
    /// <exception cref="ConfigurationException">No checkpoints.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static CheckpointReader Open(string path) => CheckpointReader.Open(Find(path).Checkpoints[0]);

    /// <summary>Runs beside the thread that hears Ctrl+C.</summary>
    public static Task<int> BesideAsync(Func<int> verb) => Task.Run(verb, CancellationToken.None);
}
