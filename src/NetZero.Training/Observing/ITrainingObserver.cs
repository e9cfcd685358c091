using NetZero.Checkpoints;

namespace NetZero.Training;

/// <summary>Is told what happens in a run. Calls come one after another, not necessarily from one thread; the run waits for each.</summary>
public interface ITrainingObserver
{
    /// <summary>Everything is checked and loaded, the first step comes next.</summary>
    void OnStart(RunStart start)
    {
    }

    /// <summary>The run was asked to go on: from a checkpoint, which is loaded, or from the beginning, because there is none.</summary>
    void OnResume(ResumeReport report)
    {
    }

    /// <summary>A checkpoint was saved, or could not be. Asynchronous ones are reported at the end of the step during which they were completed, or later.</summary>
    void OnCheckpoint(SaveReport report)
    {
    }

    /// <summary>A step is done and its line is in the metrics.</summary>
    void OnStep(StepReport report)
    {
    }

    /// <summary>A rank has been slower than the others for some steps; told once for each time that it begins to be so.</summary>
    void OnStraggler(StragglerReport report)
    {
    }

    /// <summary>Something that the user may want to know, in a line, such as an op that the device computes another way; told once.</summary>
    void OnNotice(string notice)
    {
    }

    /// <summary>The validation text was evaluated; the step's <see cref="OnStep"/> follows.</summary>
    void OnEvaluation(EvaluationReport report)
    {
    }

    /// <summary>The run is over, by itself or because it was cancelled, and its files are written.</summary>
    void OnEnd(RunSummary summary)
    {
    }
}
