using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Collectives.Tests;

/// <summary>The suite of all transports under each <c>mpirun</c> of this machine.</summary>
public sealed class MpiTransportTests
{
    // Four processes on two cores for all cases take about ten seconds; this is when something hangs.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    public Task WholeSuite_HoldsOverMpi(MpiFlavor flavor) => RunAsync(flavor, 5, MpiSuite.Whole, int.MaxValue);

    // The limit is MPI's int; one that a test reaches shows that what lies above it is cut and put together rightly.
    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    public Task WholeSuite_HoldsWhereMessagesAreSplit(MpiFlavor flavor) => RunAsync(flavor, 4, MpiSuite.Whole, 400);

    // Two ranks have but one order to add in, up to which operand comes first: there the reductions of MPI itself give the bits of the tree, too.
    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi)]
    [InlineData(MpiFlavor.Mpich)]
    public Task ReductionsOfMpiItself_GiveTwoRanksTheSameSums(MpiFlavor flavor) => RunAsync(flavor, 2, MpiSuite.NativeReductions, 4096);

    private static async Task RunAsync(MpiFlavor flavor, int ranks, string verb, int mostElements)
    {
        var (code, text, errors) = await MpiRun.RunAsync(flavor, ranks, "NetZero.Collectives.Tests.dll", [verb, $"{mostElements}"], Limit);
        Assert.True(code == 0, $"{text}\n{errors}");
        Assert.DoesNotContain(MpiSuite.Failed, text, StringComparison.Ordinal);

        // What needs more ranks than the job has does not run, and is not counted as if it did.
        var cases = MpiSuite.Cases(verb == MpiSuite.NativeReductions).ToList();
        var left = cases.Count(one => one.Method.GetParameters() is [{ Name: "ranks" }, ..] && (int)one.Arguments[0] > ranks);
        Assert.InRange(left, 1, cases.Count - 1);
        Assert.Contains(MpiSuite.Counts(cases.Count - left, left), text, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingLibrary_IsSaidWithAllThatWasTried_AndWhatToInstall()
    {
        var message = new MpiLibraryException(MpiFlavor.Mpich, ["libmpich.so.12: not there", "libmpi.so.12: not there"]).Message;
        Assert.Contains("libmpich.so.12: not there; libmpi.so.12: not there", message, StringComparison.Ordinal);
        Assert.Contains("install MPICH (Debian: mpich", message, StringComparison.Ordinal);
        Assert.Contains("NETZERO_MPI_LIBRARY", message, StringComparison.Ordinal);
    }
}
