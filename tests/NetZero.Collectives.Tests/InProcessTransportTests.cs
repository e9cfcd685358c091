using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed class InProcessTransportTests : TransportSuite
{
    protected override void Run(int ranks, Action<ProcessGroup> program) => Ranks.Run(ranks, rank => program(rank.Group));
}

public sealed class InProcessFailureTests : FailureSuite
{
    protected override void Run(int ranks, Action<RankContext> program, WorldOptions? options = null) => Ranks.Run(ranks, program, options);

    protected override void AssertCause(Exception thrown, Exception told) => Assert.Same(thrown, told);
}
