namespace NetZero.Planning;

/// <summary>What one rank of the largest pipeline stage holds before states are sharded over replicas.</summary>
internal readonly record struct StageSizes(Workload Run)
{
    /// <summary>Blocks of the stage; the largest where they do not divide.</summary>
    public int Blocks => (Run.Model.Layers + Run.Layout.Pipeline - 1) / Run.Layout.Pipeline;

    /// <summary>Parameters of one block.</summary>
    public long BlockParameters => Math.Max(1, Run.Model.BlockParameters / Run.Layout.Tensor);

    /// <summary>Parameters outside the blocks: all without a pipeline; else one table, that of the first stage (embedding) or of the last (head).</summary>
    public long RootParameters => Math.Max(1, (Run.Layout.Pipeline == 1 ? Run.Model.RootParameters : (long)Run.Model.Vocabulary * Run.Model.Hidden) / Run.Layout.Tensor);

    /// <summary>All parameters of the rank.</summary>
    public long Parameters => RootParameters + Blocks * BlockParameters;
}
