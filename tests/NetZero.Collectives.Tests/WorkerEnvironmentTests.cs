namespace NetZero.Collectives.Tests;

public sealed class WorkerEnvironmentTests
{
    [Fact]
    public void WithoutVariables_AProcessIsNoRank() => Assert.Null(Detect());

    [Fact]
    public void Torchrun_GivesRankAndMeetingPlace()
    {
        var worker = Detect(("RANK", "5"), ("WORLD_SIZE", "8"), ("LOCAL_RANK", "1"), ("LOCAL_WORLD_SIZE", "4"), ("MASTER_ADDR", "node7"), ("MASTER_PORT", "4242"));
        Assert.Equal((5, 8, 1, 4, "node7", 4242), (worker!.Rank, worker.WorldSize, worker.LocalRank, worker.LocalWorldSize, worker.MasterAddress, worker.MasterPort));
        Assert.False(worker.HasLauncher);
    }

    [Fact]
    public void Slurm_IsARankWithinAStepOfSeveralTasksOnly()
    {
        (string, string)[] batch = [("SLURM_PROCID", "0"), ("SLURM_NTASKS", "4"), ("SLURM_JOB_ID", "123456")];
        Assert.Null(Detect(batch));
        var worker = Detect([.. batch, ("SLURM_STEP_NUM_TASKS", "4"), ("SLURM_LOCALID", "0"), ("SLURM_STEP_TASKS_PER_NODE", "4(x1)"), ("SLURM_STEP_ID", "2")]);
        Assert.Equal((0, 4, 4, 23456, "123456.2"), (worker!.Rank, worker.WorldSize, worker.LocalWorldSize, worker.MasterPort, worker.Job));
    }

    [Fact]
    public void IndexedJob_NeedsTheWorldSize()
    {
        Assert.Null(Detect(("JOB_COMPLETION_INDEX", "3")));
        Assert.Equal(3, Detect(("JOB_COMPLETION_INDEX", "3"), ("WORLD_SIZE", "4"))!.Rank);
    }

    [Theory]
    [InlineData("4", "4", "the environment makes this process rank 4 of 4")]
    [InlineData("1", null, "WORLD_SIZE is not set")]
    [InlineData("-1", "4", "RANK is '-1'; expected a whole number, at least 0")]
    [InlineData("0", "zero", "WORLD_SIZE is 'zero'; expected a whole number, at least 1")]
    public void Contradictions_AreNamed(string rank, string? size, string message)
    {
        (string, string)[] variables = size is null ? [("RANK", rank)] : [("RANK", rank), ("WORLD_SIZE", size)];
        Assert.Contains(message, Assert.Throws<RendezvousException>(() => Detect(variables)).Message, StringComparison.Ordinal);
    }

    private static WorkerEnvironment? Detect(params (string Name, string Value)[] variables) =>
        WorkerEnvironment.Detect(name => Array.Find(variables, v => v.Name == name).Value);
}
