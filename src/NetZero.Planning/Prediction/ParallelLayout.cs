namespace NetZero.Planning;

/// <summary>How ranks are divided: data x tensor x pipeline x context.</summary>
/// <param name="Data">Ranks that see different samples.</param>
/// <param name="Tensor">Ranks that share each product.</param>
/// <param name="Pipeline">Stages of blocks.</param>
/// <param name="Context">Ranks that share each sequence.</param>
public readonly record struct ParallelLayout(int Data, int Tensor = 1, int Pipeline = 1, int Context = 1)
{
    /// <summary>All ranks.</summary>
    public int Ranks => checked(Data * Tensor * Pipeline * Context);

    /// <summary>Ranks that hold the same parameters, and so may share them: data x context.</summary>
    public int Replicas => checked(Data * Context);
}
