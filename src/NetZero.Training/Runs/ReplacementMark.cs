namespace NetZero.Training;

/// <summary>Says that a job has set out to replace what a run's folder and store hold, and that the older run is still there.</summary>
/// <remarks>
/// Note: whose run it is. A job that is to overwrite a run and loses a rank before the older run has gone must not go on with that
/// run when its ranks start again. So whoever starts ranks more than once sets the mark before the first time, and the new run
/// removes it as
/// soon as nothing is left that a run could go on from. Only who has set the mark asks for it: anybody else's <c>--resume</c> goes on with the older run.
/// </remarks>
/// <param name="folder">The run's folder.</param>
public sealed class ReplacementMark(string folder)
{
    private const string FileName = ".replacing";

    private readonly string _path = Path.Combine(folder, FileName);

    /// <summary>Whether it is set: the older run may still be there.</summary>
    public bool IsSet => File.Exists(_path);

    /// <summary>Sets it.</summary>
    /// <exception cref="ConfigurationException">The folder cannot be written to.</exception>
    public void Set()
    {
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(_path, []);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"output folder '{folder}' is not writable: {e.Message}", e);
        }
    }

    /// <summary>Removes it.</summary>
    /// <returns>Whether it was set.</returns>
    /// <exception cref="IOException">It cannot be removed.</exception>
    internal bool Remove()
    {
        var wasSet = IsSet;
        if (wasSet)
            File.Delete(_path);
        return wasSet;
    }
}
