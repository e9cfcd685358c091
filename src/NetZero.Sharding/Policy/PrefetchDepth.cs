namespace NetZero.Sharding;

/// <summary>How many blocks beyond the one that computes have their gather under way, where parameters are sharded.</summary>
/// <remarks>
/// With depth n the root and n + 1 blocks are whole at most: each step of depth costs one block of gathered memory and hides one more gather. With 0 a gather starts when
/// the block in front has been released. FSDP2 calls lists of modules <c>set_modules_to_forward_prefetch</c> and <c>set_modules_to_backward_prefetch</c>.
/// </remarks>
/// <param name="Forward">Blocks ahead in forward passes.</param>
/// <param name="Backward">Blocks ahead in backward passes.</param>
public readonly record struct PrefetchDepth(int Forward, int Backward)
{
    /// <summary>One block ahead in both directions.</summary>
    public static PrefetchDepth One { get; } = new(1, 1);
}
