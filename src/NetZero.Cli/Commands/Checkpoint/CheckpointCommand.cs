using System.CommandLine;
using NetZero.Checkpoints;
using NetZero.Stores;
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

    /// <summary>An argument that names a checkpoint, a folder of them, a run's folder, or the like in a store.</summary>
    public static Argument<string> PathArgument(string name, string description) => new(name) { Description = description };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print one JSON object." };

    /// <summary>What a path names. A store's client lives as long as the process.</summary>
    /// <exception cref="ConfigurationException">No checkpoints.</exception>
    /// <exception cref="IOException">The store does not answer, or refuses.</exception>
    public static CheckpointLocation Find(string path)
    {
        if (!S3Location.IsOne(path))
            return FindFolder(path);
        var (store, step) = OpenStore(path);
        return CheckpointLocation.Find(store, step)
            ?? throw new ConfigurationException($"'{path}': {(step is null ? "no checkpoints are there" : "there is no such checkpoint")}");
    }

    /// <summary>Opens a place in a store.</summary>
    /// <exception cref="ConfigurationException">The path names none.</exception>
    public static (ICheckpointStore Store, long? Step) OpenStore(string path)
    {
        try
        {
            return S3CheckpointStore.Open(path);
        }
        catch (FormatException e)
        {
            throw new ConfigurationException(e.Message, e);
        }
    }

    /// <summary>What a path of this machine names.</summary>
    /// <exception cref="ConfigurationException">No checkpoints.</exception>
    public static CheckpointLocation FindFolder(string path) => CheckpointLocation.Find(path)
        ?? throw new ConfigurationException(
            Directory.Exists(path)
                ? $"'{path}' is no checkpoint and holds none; name a checkpoint, a folder of them, or a run's folder"
                : $"'{path}': there is no such folder");

    /// <summary>Opens the checkpoint that a path names; of several, the newest.</summary>
    /// <exception cref="ConfigurationException">No checkpoints.</exception>
    /// <exception cref="CheckpointException">It is damaged.</exception>
    public static CheckpointReader Open(string path) => Find(path).Checkpoints[0].Open();

    /// <summary>Runs beside the thread that hears Ctrl+C.</summary>
    public static Task<int> BesideAsync(Func<int> verb) => Task.Run(verb, CancellationToken.None);
}
