using System.Diagnostics;
using System.Globalization;
using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Cli.Tests;

/// <summary>Ranks of MPI, as users start them: <c>mpirun -n N netzero train CONFIG</c>.</summary>
public sealed class MpiTests : IDisposable
{
    private static readonly string Tool = Path.Combine(AppContext.BaseDirectory, "netzero.dll");

    private readonly TemporaryFolder _folder = new();

    public MpiTests() => File.WriteAllText(_folder.At("text.txt"), string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n")));

    public void Dispose() => _folder.Dispose();

    // All worlds and stages are compared without files where training is tested. The last two are hybrid meshes: reduced within groups of two or three,
    // then over the replicas.
    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 2, 3)]
    [InlineData(MpiFlavor.Mpich, 3, 1)]
    [InlineData(MpiFlavor.OpenMpi, 4, 3, 2)]
    [InlineData(MpiFlavor.Mpich, 6, 2, 3)]
    public async Task RanksOfMpi_GiveTheFilesOfThreads_BitForBit(MpiFlavor flavor, int ranks, int stage, int group = 0)
    {
        string[] options =
        [
            "train", _folder.Configuration, "--set", $"zero_optimization.stage={stage}", "--set", "train_batch_size=12", "--set", "threads_per_rank=1", "--set", $"zero_optimization.shard_group_size={group}",
        ];
        var threads = await RunAsync(Plain([.. options, "--ranks", $"{ranks}", "--output", _folder.At("threads")]));
        var mpi = await RunAsync(MpiRun.Start(flavor, ranks, [Tool, .. options, "--output", _folder.At("mpi")]));

        Assert.Equal((0, ""), (threads.Code, threads.Errors));
        Assert.True(mpi.Code == 0, mpi.Errors);
        Assert.Contains("step 2/2  loss ", mpi.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\x1b", mpi.Output, StringComparison.Ordinal);
        Assert.Equal(Losses("threads"), Losses("mpi"));
        Assert.Equal(File.ReadAllBytes(_folder.At("threads/model/model.safetensors")), File.ReadAllBytes(_folder.At("mpi/model/model.safetensors")));
    }

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    public async Task RankThatIsKilled_EndsTheJob_WithinSeconds(MpiFlavor flavor)
    {
        string[] options = ["train", _folder.Configuration, "--set", "train_batch_size=2", "--set", "steps=1000000", "--output", _folder.At("out")];
        var start = MpiRun.Start(flavor, 2, [Tool, .. options]);
        start.WorkingDirectory = _folder.FullPath;
        using var job = Child.Start(start);
        var errors = job.StandardError.ReadToEndAsync();
        var seen = new List<string>();
        for (var line = ""; !line.Contains("step 2/", StringComparison.Ordinal); seen.Add(line))
            line = await job.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"The job ended early.\n{string.Join('\n', seen)}\n{await errors}");
        var output = job.StandardOutput.ReadToEndAsync();
        var victim = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).First(name => IsRank(name!, rank: 1, _folder.At("out")));
        var clock = Stopwatch.StartNew();
        using (var kill = Process.Start("kill", ["-KILL", victim!]))
            await kill.WaitForExitAsync();
        await job.WaitForExitAsync();
        await output;
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
        Assert.NotEqual(0, job.ExitCode);
    }

    [Fact]
    public async Task WithoutTheLibrary_NothingIsTrained_AndTheExitCodeIs4()
    {
        var start = Plain(["train", _folder.Configuration, "--output", _folder.At("out")]);
        start.Environment["OMPI_COMM_WORLD_RANK"] = "0";
        start.Environment["OMPI_COMM_WORLD_SIZE"] = "2";
        start.Environment["NETZERO_MPI_LIBRARY"] = "/nowhere/libmpi.so.40";
        var result = await RunAsync(start);
        Assert.Equal(4, result.Code);
        Assert.Equal(
            "error: no MPI library can be used (tried /nowhere/libmpi.so.40: not there); install Open MPI (Debian: openmpi-bin, Homebrew: open-mpi), "
            + "or name the library with NETZERO_MPI_LIBRARY",
            result.Errors.Trim());
        Assert.False(Directory.Exists(_folder.At("out")));
    }

    [TheoryWithMpi]
    [InlineData(MpiFlavor.Mpich)]
    public async Task LibraryOfTheOtherMpirun_IsRefused_AndNeverASingleProcess(MpiFlavor other)
    {
        var start = Plain(["train", _folder.Configuration, "--output", _folder.At("out")]);
        start.Environment["OMPI_COMM_WORLD_RANK"] = "0";
        start.Environment["OMPI_COMM_WORLD_SIZE"] = "2";
        start.Environment["NETZERO_MPI_LIBRARY"] = MpiLibrary.Load(other).Path;
        var result = await RunAsync(start);
        Assert.Equal(4, result.Code);
        Assert.Contains("but the processes were started by Open MPI", result.Errors, StringComparison.Ordinal);
    }

    private static bool IsRank(string process, int rank, string output)
    {
        if (!int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            return false;
        try
        {
            var variables = File.ReadAllText($"/proc/{process}/environ").Split('\0');
            var ours = File.ReadAllText($"/proc/{process}/cmdline").Split('\0').Contains(output);
            return ours && (variables.Contains($"OMPI_COMM_WORLD_RANK={rank}") || variables.Contains($"PMI_RANK={rank}"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Wall times differ between runs, so the lines are compared up to them.
    private string[] Losses(string run) =>
        [.. File.ReadLines(_folder.At($"{run}/metrics.jsonl")).Select(line => line[..line.IndexOf("\"tokens_per_second", StringComparison.Ordinal)])];

    private static ProcessStartInfo Plain(string[] arguments) =>
        new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Tool, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };

    private async Task<(int Code, string Output, string Errors)> RunAsync(ProcessStartInfo start)
    {
        start.WorkingDirectory = _folder.FullPath;
        using var process = Child.Start(start);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
