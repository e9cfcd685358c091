using NetZero.Testing;

namespace NetZero.Collectives.Tests;

public sealed class InProcessTransportTests : TransportSuite
{
    protected override void Run(int ranks, Action<ProcessGroup> program) => Ranks.Run(ranks, rank => program(rank.Group));
}
