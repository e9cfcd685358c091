using NetZero.Nn;
using NetZero.Sharding;

namespace NetZero.Checkpoints;

/// <summary>Restores a distributed model and its optimizer from a checkpoint that any world saved.</summary>
public static class CheckpointLoader
{
    /// <summary>As <see cref="Load(CheckpointReference, ShardedModule, Optimizer)"/>, of a checkpoint in a folder.</summary>
    /// <exception cref="CheckpointException">As there.</exception>
    public static (CheckpointManifest Manifest, long BytesRead) Load(string checkpoint, ShardedModule module, Optimizer optimizer) =>
        Load(CheckpointReference.ToFolder(checkpoint), module, optimizer);

    /// <summary>Reads the state that this rank stores, verifies it, and shares it with the ranks that hold it too. Every rank calls it, between steps.</summary>
    /// <param name="checkpoint">The checkpoint, the same on every rank.</param>
    /// <param name="module">The model: its values are replaced.</param>
    /// <param name="optimizer">Its optimizer: its states are replaced.</param>
    /// <returns>What the checkpoint says, and how many bytes this rank has read.</returns>
    /// <remarks>All ranks together read each byte of the state once, and the rest of blocks at the edges of their ranges. No conversion of files is needed, whatever world saved; values
    /// that the model keeps in another floating-point type than the checkpoint has are converted while they are read.</remarks>
    /// <exception cref="CheckpointException">
    /// It is damaged or does not fit the model, found by this rank or another; every rank throws. The model's values are then undefined: load another before training.
    /// </exception>
    public static (CheckpointManifest Manifest, long BytesRead) Load(CheckpointReference checkpoint, ShardedModule module, Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(optimizer);
        var state = new TrainingState(module, optimizer);
        CheckpointException? failure = null;
        CheckpointManifest? manifest = null;
        long bytesRead = 0;
        try
        {
            using var reader = checkpoint.Open();
            manifest = reader.Manifest;
            CheckFits(reader, state);
            Read(reader, state);
            bytesRead = reader.BytesRead;
        }
        catch (CheckpointException e)
        {
            failure = e;
        }

        if (RankAgreement.FirstFailure(module.Group, module.Tensors, failure) is { } found)
            throw found.Message == failure?.Message ? failure : new CheckpointException(found.Message, failure) { IsDamage = found.IsDamage };
        state.Publish();
        state.Restore(manifest!.Scalars);
        return (manifest, bytesRead);
    }

    private static void CheckFits(CheckpointReader reader, TrainingState state)
    {
        CheckFrozen(reader, state);
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (var slice in state.Slices)
        {
            // A checkpoint of a model that was never trained has values only; what an optimizer keeps begins at zero.
            if (IsMissingBeforeTheFirstStep(reader, slice))
                continue;
            foreach (var (name, shape) in slice.WholeTensors())
            {
                expected.Add(name);
                var tensor = reader.Find(name);
                var dtype = slice.DType.Name();
                if (!tensor.Shape.SequenceEqual(shape) || !Fits(tensor, slice) || tensor.Kind != slice.Kind)
                {
                    throw new CheckpointException(
                        reader.Path,
                        $"tensor {CheckpointFormatException.Quote(name)} is a {tensor.Kind} {CheckpointFormatException.Show(tensor.Shape)} of {tensor.DType}, "
                        + $"this run has a {slice.Kind} {CheckpointFormatException.Show(shape)} of {dtype}: it is of another model or another optimizer")
                    {
                        IsDamage = false,
                    };
                }
            }
        }

        if (reader.Manifest.Tensors.FirstOrDefault(t => !expected.Contains(t.Name)) is { } extra)
        {
            throw new CheckpointException(
                reader.Path, $"has a tensor {CheckpointFormatException.Quote(extra.Name)}, which this run has not: it is of another model or another optimizer")
            {
                IsDamage = false,
            };
        }
    }

    // Where parameters were frozen that this run trains, or the other way round, that is what is said: the model is the same.
    private static void CheckFrozen(CheckpointReader reader, TrainingState state)
    {
        var saved = reader.Manifest.Tensors.Where(t => t.Kind == CheckpointTensor.OptimizerKind).Select(t => t.Name)
            .ToHashSet(StringComparer.Ordinal);
        if (saved.Count == 0)
            return;
        var own = Own(CheckpointTensor.OptimizerKind);
        var parameters = reader.Manifest.Tensors.Where(t => t.Kind == CheckpointTensor.ParameterKind).Select(t => t.Name)
            .Intersect(Own(CheckpointTensor.ParameterKind)).ToList();
        var trainedHere = parameters.Where(name => IsOf(name, own) && !IsOf(name, saved)).ToList();
        var trainedThere = parameters.Where(name => IsOf(name, saved) && !IsOf(name, own)).ToList();

        // With another optimizer no name is the same.
        if ((trainedHere.Count == 0 && trainedThere.Count == 0) || !saved.Overlaps(own))
            return;
        throw new CheckpointException(reader.Path, $"{Differ(trainedThere, "trained", "frozen")}{Differ(trainedHere, "frozen", "trained")}"
            + "a run that goes on has the same 'frozen' as the one that was saved")
        {
            IsDamage = false,
        };

        HashSet<string> Own(string kind) =>
            state.Slices.Where(s => s.Kind == kind).SelectMany(s => s.WholeTensors()).Select(t => t.Name).ToHashSet(StringComparer.Ordinal);

        static bool IsOf(string parameter, HashSet<string> states) =>
            states.Any(state => state.EndsWith("/" + parameter, StringComparison.Ordinal));
    }

    private static string Differ(List<string> names, string there, string here)
    {
        const int Shown = 3;
        if (names.Count == 0)
            return "";
        var more = names.Count > Shown ? $" and {names.Count - Shown} more" : "";
        var list = string.Join(", ", names.Take(Shown).Select(CheckpointFormatException.Quote));
        return $"{list}{more} were {there} when it was saved and are {here} in this run; ";
    }

    // Values are kept in the type that the run has them in, such as masters of what was frozen in 16 bits; what an optimizer keeps means what its type says.
    private static bool Fits(CheckpointTensor tensor, StateSlice slice) =>
        slice.Kind == CheckpointTensor.ParameterKind ? RestoredRun.Fits(tensor.ElementType(), slice.DType) : tensor.ElementType() == slice.DType;

    private static bool IsMissingBeforeTheFirstStep(CheckpointReader reader, StateSlice slice) =>
        slice.Kind == CheckpointTensor.OptimizerKind && reader.Manifest.Step == 0
        && !reader.Manifest.Tensors.Any(t => t.Kind == CheckpointTensor.OptimizerKind);

    private static void Read(CheckpointReader reader, TrainingState state)
    {
        var runs = new List<RestoredRun>();

        // The device is done with what is overwritten.
        state.Module.Tensors.Synchronize();
        foreach (var slice in state.Slices)
        {
            var (start, length) = state.OwnedPart(slice);
            if (IsMissingBeforeTheFirstStep(reader, slice))
            {
                slice.Clear(start, length);
                continue;
            }
            foreach (var run in slice.Runs(start, length))
                runs.Add(new RestoredRun(reader.Find(run.Name), run));
        }

        reader.Read(runs.Where(run => run.IsInPlace).SelectMany(run => run.Parts()));
        foreach (var run in runs.Where(run => !run.IsInPlace))
            run.Restore(reader);
    }
}
