using NetZero.Checkpoints;
using NetZero.Sharding;

namespace NetZero.Training;

/// <summary>Brings a rank's model, optimizer and place in the data to where a checkpoint was saved.</summary>
internal static class Resumption
{
    /// <summary>Loads the first candidate that verifies. Every rank calls it; all get the same.</summary>
    /// <param name="plan">The candidates, at least one.</param>
    /// <param name="run">The run that goes on.</param>
    /// <param name="order">The order of its samples.</param>
    /// <param name="module">The model.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="early">What counts evaluations.</param>
    /// <exception cref="CheckpointException">None can be used: damaged, or of another model.</exception>
    /// <exception cref="ConfigurationException">The run's configuration cannot go on from it.</exception>
    public static ResumeReport Restore(ResumePlan plan, RunConfiguration run, SampleOrder order, ShardedModule module, Nn.Optimizer optimizer, EarlyStopping early)
    {
        var passedOver = new List<string>();
        foreach (var candidate in plan.Candidates)
        {
            try
            {
                var (manifest, _) = CheckpointLoader.Load(candidate, module, optimizer);
                Check(candidate.Path, manifest, run, ((Nn.Gpt2)module.Module).Config);
                early.Restore(manifest.Scalars);
                var samples = manifest.Data is { } data ? order.Restore(new DataPosition(data.Samples, data.SamplesPerEpoch, data.Shuffle, data.Seed)) : 0;
                return new ResumeReport(plan.Place, candidate.Path, manifest.Step, samples, passedOver, Changes(manifest, run));
            }
            catch (CheckpointException e) when (e.IsDamage && plan.Candidates.Count > 1)
            {
                passedOver.Add(e.Message);
            }
            catch (CheckpointException e) when (e.IsDamage && Before(candidate) is { } before)
            {
                throw new CheckpointException(candidate.Path, $"{Without(e.Message, candidate.Path)}; the one before it is {before}", e);
            }
        }

        throw new CheckpointException(plan.Place, $"none of its {passedOver.Count} checkpoints can be used: {string.Join("; ", passedOver)}");
    }

    private static void Check(string checkpoint, CheckpointManifest manifest, RunConfiguration run, Nn.Gpt2Config model)
    {
        if (manifest.Step > run.Steps)
            throw new ConfigurationException($"'steps' is {run.Steps}, but the checkpoint {checkpoint} has {manifest.Step} steps behind it; raise 'steps', or resume from an older one");
        var exact = manifest.Scalars.GetValueOrDefault(CheckpointModels.ExactGelu) != 0;
        if (exact != model.ExactGelu)
        {
            throw new ConfigurationException(
                $"the checkpoint {checkpoint} is of a model with {(exact ? "the exact GELU" : "GELU's tanh form")}, this run's model has the other; 'init_from' a folder of that model says which");
        }

        // What was never trained has drawn no random numbers and read no samples.
        if (manifest.Data is null)
            return;
        if (manifest.Random.Seed != run.Seed)
            throw new ConfigurationException($"'seed' is {run.Seed}, but the checkpoint {checkpoint} was saved by a run of seed {manifest.Random.Seed}; use that one");
        if (manifest.Configuration is { } saved)
            CheckFiles(checkpoint, RunAgreement.Of(saved).ToDictionary(), RunAgreement.Of(run).ToDictionary());
    }

    // Where each rank reads files of its own, its place means something for the same files alone.
    private static void CheckFiles(string checkpoint, Dictionary<string, string> saved, Dictionary<string, string> run)
    {
        const string how = "'data.shard_by'", ranks = "'ranks'", files = "\"files\"";
        if (saved.GetValueOrDefault(how) == run[how] && (run[how] != files || saved.GetValueOrDefault(ranks) == run[ranks]))
            return;
        throw new ConfigurationException(
            $"the checkpoint {checkpoint} was saved with {how} {saved.GetValueOrDefault(how)} and {ranks} {saved.GetValueOrDefault(ranks)}, the run has {run[how]} and {run[ranks]}: "
            + "which rank has read what would not be known; go on with the same");
    }

    // What a user may change on purpose, and wants to know when it was not: named, never refused.
    private static List<string> Changes(CheckpointManifest manifest, RunConfiguration run)
    {
        if (manifest.Configuration is not { } saved)
            return [];
        var before = RunAgreement.Of(saved).ToDictionary();
        var now = RunAgreement.Of(run).ToDictionary();
        var keys = saved.TryGetProperty("train_batch_size", out _) ? now.Keys.Union(before.Keys) : before.Keys;
        return
        [
            .. keys.Where(key => now.GetValueOrDefault(key) != before.GetValueOrDefault(key))
                .Select(key => $"{key} is {now.GetValueOrDefault(key) ?? "not set"}, was {before.GetValueOrDefault(key) ?? "not set"}"),
        ];
    }

    private static string? Before(CheckpointReference candidate) =>
        candidate.Step < 0 ? null : candidate.Place.Steps().Where(step => step < candidate.Step).Select(candidate.Place.Of).FirstOrDefault();

    private static string Without(string message, string checkpoint) =>
        message.StartsWith($"{checkpoint}: ", StringComparison.Ordinal) ? message[(checkpoint.Length + 2)..] : message;
}
