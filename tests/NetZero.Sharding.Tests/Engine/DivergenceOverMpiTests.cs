using NetZero.Collectives.Mpi;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// What <see cref="DivergenceTests"/> asks of threads and processes, of ranks under each <c>mpirun</c> of this machine: MPI itself would
/// hang, or damage memory.
/// </summary>
public class DivergenceOverMpiTests
{
    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 3)]
    [InlineData(MpiFlavor.Mpich, 0)]
    public async Task ADifferentUnit_IsAMismatch_OfBothRanksAndUnits(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.DifferentUnit, stage)).IsADifferentUnit(stage);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 0)]
    [InlineData(MpiFlavor.Mpich, 2)]
    public async Task ADifferentUnit_IsFound_BeforeAThirdRankHasCome(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.DifferentUnitBeforeAllHaveCome, stage)).IsADifferentUnit(stage);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 2)]
    [InlineData(MpiFlavor.Mpich, 3)]
    public async Task AnotherOrder_IsNamedByTheRankThatRunsIt_WithBothUnits(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.AnotherOrder, stage)).IsAnotherOrder(stage);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 3)]
    [InlineData(MpiFlavor.Mpich, 1)]
    public async Task OneCallFewer_IsAMismatchWithTheNext(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.OneCallFewer, stage)).IsOneCallFewer(stage);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 2)]
    [InlineData(MpiFlavor.Mpich, 3)]
    public async Task AWholeGroupWithOneCallFewer_IsAMismatchAcrossTheReplicas(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.AGroupWithoutTheNorm, stage)).IsAGroupWithoutTheNorm();

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 1)]
    [InlineData(MpiFlavor.Mpich, 3)]
    public async Task ARankThatLeaves_IsNamedWithTheCallThatLacksIt(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.Leaving, stage)).IsALeaving(stage);

    [TheoryWithMpi]
    [InlineData(MpiFlavor.OpenMpi, 3)]
    [InlineData(MpiFlavor.Mpich, 0)]
    public async Task ARankThatIsLate_IsNamedWhenTheTimeoutPasses_WithItsLastCallAndTheUnitAwaited(MpiFlavor flavor, int stage) =>
        (await MpiDivergence.RunAsync(flavor, Divergence.Late, stage)).IsLate(stage);
}
