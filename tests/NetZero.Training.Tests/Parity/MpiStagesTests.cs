using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Training.Tests.Parity;

/// <summary>Every stage gives the bits of threads over both libraries of MPI at worlds 1 to 4: one <c>mpirun</c> for each library and world.</summary>
public class MpiStagesTests
{
    // A world takes about two seconds on two cores; this is when something hangs.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 1)]
    [InlineData(MpiFlavor.OpenMpi, 2)]
    [InlineData(MpiFlavor.OpenMpi, 3)]
    [InlineData(MpiFlavor.OpenMpi, 4)]
    [InlineData(MpiFlavor.Mpich, 1)]
    [InlineData(MpiFlavor.Mpich, 2)]
    [InlineData(MpiFlavor.Mpich, 3)]
    [InlineData(MpiFlavor.Mpich, 4)]
    public async Task Mpi_EveryStage_GivesTheBitsOfThreads(MpiFlavor flavor, int ranks)
    {
        var (code, text, errors) = await MpiRun.RunAsync(flavor, ranks, "NetZero.Training.Tests.dll", [MpiStages.Verb], Limit);
        Assert.True(code == 0, $"{text}\n{errors}");

        // Open MPI gives the ranks a terminal, to which the console first writes what sets it up.
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(4, lines.Length);
        for (var stage = 0; stage < lines.Length; stage++)
            Assert.EndsWith($"{MpiStages.Agrees}{stage}", lines[stage], StringComparison.Ordinal);
    }
}
