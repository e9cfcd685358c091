using System.Diagnostics;
using NetZero.Checkpoints;

namespace NetZero.Training.Tests.Checkpoints;

/// <summary>Disks that fill up, become read-only or lose the folder while a run trains: it trains on, and what was saved stays.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointRun _run;

    public DiskTests() => _run = new CheckpointRun(_folder);

    public void Dispose()
    {
        foreach (var path in (string[])[_run.Checkpoints("run").FullPath, _run.At("run").Folder])
            if (SmallDiskFactAttribute.Run("mountpoint", "-q", path))
                Assert.True(SmallDiskFactAttribute.Run("umount", path));
        _folder.Dispose();
    }

    [SmallDiskTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FullDisk_IsReported_TrainingGoesOn_AndTheOlderCheckpointServes(bool beside)
    {
        // A checkpoint has about 270 KB: two do not fit.
        var saves = await TrainAsync(beside, (step, path) =>
        {
            if (step == 0)
                Mount(path, "size=400k");
        });

        Assert.Equal([2, 4, 6], saves.Select(save => save.Step));
        Assert.Null(saves[0].Failure);
        Assert.All(saves.Skip(1), save => Assert.Contains("the disk was full", save.Failure, StringComparison.Ordinal));
        await AssertResumesAsync(2);
    }

    [SmallDiskTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FullDisk_WithTheMetricsOnIt_IsToldOnce_AndTheLinesComeWhenThereIsRoomAgain(bool beside)
    {
        await _run.TrainAsync("whole", null, 0);
        var folder = _run.At("run").Folder;
        var filler = Path.Combine(folder, "filler");
        Mount(folder, "size=8m");
        string[] whileFull = ["?"];
        var events = new CheckpointRun.Events(0, new CancellationTokenSource())
        {
            OnStarted = () => Fill(filler),
            OnStepDone = step =>
            {
                // The save after the second step fails, beside training at the latest when the next one begins.
                if (step == 2)
                {
                    whileFull = File.ReadAllLines(Path.Combine(folder, RunFolder.MetricsFile));
                    File.Delete(filler);
                }
            },
        };
        await Trainer.RunAsync(
            _run.Configure("run", "checkpoint.every_steps=2", $"checkpoint.async={(beside ? "true" : "false")}"), new TrainingOptions(), events);

        Assert.Empty(whileFull);
        Assert.Single(events.Notices, notice => notice.Contains(RunFolder.MetricsFile, StringComparison.Ordinal));
        Assert.Equal([2, 4, 6], events.Saves.Select(save => save.Step));
        Assert.Equal([true, false, false], events.Saves.Select(save => save.Failure is not null));
        _run.AssertSame("whole", "run");
    }

    [SmallDiskFact]
    public async Task DiskThatBecomesReadOnly_IsReported_AndTheOlderCheckpointServes()
    {
        var saves = await TrainAsync(beside: false, (step, path) =>
        {
            if (step == 0)
                Mount(path, "size=4m");
            else if (step == 2)
                Assert.True(SmallDiskFactAttribute.Run("mount", "-o", "remount,ro", path));
        });

        Assert.Null(saves[0].Failure);
        Assert.All(saves.Skip(1), save => Assert.Contains("Read-only file system", save.Failure, StringComparison.Ordinal));
        Assert.True(SmallDiskFactAttribute.Run("mount", "-o", "remount,rw", _run.Checkpoints("run").FullPath));
        await AssertResumesAsync(2);
    }

    [Fact]
    public async Task FolderThatIsRemoved_IsMadeAnew_ByTheNextSave()
    {
        var saves = await TrainAsync(beside: false, (step, path) =>
        {
            if (step == 2)
                Directory.Delete(path, recursive: true);
        });

        Assert.All(saves, save => Assert.Null(save.Failure));
        Assert.Equal([6, 4], _run.Checkpoints("run").Steps());
        await AssertResumesAsync(6);
    }

    private async Task<List<SaveReport>> TrainAsync(bool beside, Action<int, string> onStep)
    {
        await _run.TrainAsync("whole", null, 0);
        var events = new CheckpointRun.Events(0, new CancellationTokenSource()) { OnStepDone = step => onStep(step, _run.Checkpoints("run").FullPath) };
        await Trainer.RunAsync(_run.Configure("run", "checkpoint.every_steps=2", $"checkpoint.async={(beside ? "true" : "false")}"), new TrainingOptions(), events);
        _run.AssertSame("whole", "run");
        return events.Saves;
    }

    private async Task AssertResumesAsync(int step)
    {
        var (summary, events) = await _run.TrainAsync("again", _run.Checkpoints("run").FullPath, 0);
        Assert.Equal(step, summary.ResumedFrom);
        Assert.Empty(events.Resumed!.PassedOver);
        Assert.Equal(_run.Lines("whole")[step..], _run.Lines("again"));
    }

    private static void Fill(string path)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        var page = new byte[4096];
        try
        {
            for (long offset = 0; ; offset += page.Length)
                RandomAccess.Write(file, page, offset);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static void Mount(string path, string options)
    {
        Directory.CreateDirectory(path);
        Assert.True(SmallDiskFactAttribute.Run("mount", "-t", "tmpfs", "-o", options, "none", path));
    }
}

/// <summary>Marks tests that need a disk of a few hundred kilobytes, which only root can make on Linux; elsewhere they are skipped.</summary>
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> Problem = new(Probe);

    public SmallDiskFactAttribute() => Skip = Reason;

    public static string? Reason => Problem.Value;

    /// <summary>Runs a command; whether it is there and succeeds.</summary>
    public static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux())
            return "small disks are mounted on Linux only";
        var folder = Directory.CreateTempSubdirectory("netzero-tests-").FullName;
        try
        {
            return Run("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder) && Run("umount", folder) ? null : "mounting a small disk needs root";
        }
        finally
        {
            Directory.Delete(folder);
        }
    }
}

/// <summary><see cref="SmallDiskFactAttribute"/> for theories.</summary>
internal sealed class SmallDiskTheoryAttribute : TheoryAttribute
{
    public SmallDiskTheoryAttribute() => Skip = SmallDiskFactAttribute.Reason;
}
