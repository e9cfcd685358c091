using System.Globalization;
using NetZero.Collectives;

namespace NetZero.Launch;

/// <summary>A job of this machine that runs, hangs, or is about to end, seen from outside.</summary>
public static class LiveJob
{
    /// <summary>Reads what all ranks of a job called last. The job does not notice.</summary>
    /// <param name="process">The launcher, or any rank that is a process.</param>
    /// <exception cref="ArgumentException">One line says why nothing can be read: no such process, not this user's, no ranks that are processes.</exception>
    public static HangReport Read(int process)
    {
        if (!OperatingSystem.IsLinux())
            throw new ArgumentException("a live job can be looked into on Linux only; elsewhere the launcher writes the report when the time is up");
        try
        {
            var folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd");
            foreach (var path in Directory.EnumerateFiles(folder))
            {
                if (File.ResolveLinkTarget(path, returnFinalTarget: false)?.FullName.Contains("memfd:netzero-segment", StringComparison.Ordinal) is not true)
                    continue;
                using var mapping = SharedMapping.Open(path);
                var segment = new SharedSegment(mapping);
                segment.CheckVersion();
                return HangReport.Of(segment.Describe());
            }
        }
        catch (DirectoryNotFoundException e)
        {
            throw new ArgumentException($"there is no process {process}", nameof(process), e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new ArgumentException($"process {process} belongs to another user", nameof(process), e);
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw new ArgumentException(e.Message, nameof(process), e);
        }

        throw new ArgumentException(
            $"process {process} is neither a rank nor the launcher of ranks that are processes, or they have not come together yet", nameof(process));
    }
}
