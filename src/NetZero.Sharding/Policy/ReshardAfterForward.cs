namespace NetZero.Sharding;

/// <summary>What becomes of a block's gathered parameters between its forward and its backward: let go, kept, or cut down to a second copy within a small group.</summary>
/// <remarks>As <c>reshard_after_forward</c> of FSDP2, which takes true, false or a number of ranks.</remarks>
public readonly record struct ReshardAfterForward
{
    private readonly int _code;

    private ReshardAfterForward(int code) => _code = code;

    /// <summary>True: let go, and gathered again for the backward pass. Least memory.</summary>
    public static ReshardAfterForward Yes => default;

    /// <summary>False: kept until the backward pass has used them. Least traffic: one gather a micro-batch.</summary>
    public static ReshardAfterForward No => new(-1);

    /// <summary>Whether the whole unit stays.</summary>
    public bool Keeps => _code < 0;

    /// <summary>Ranks of the small group that keeps a second copy between them; 0 where none is kept.</summary>
    public int GroupSize => Math.Max(_code, 0);

    /// <summary>
    /// A second copy is kept within groups of <paramref name="ranks"/> neighbouring ranks, each holding 1 / <paramref name="ranks"/> of the unit, and the backward pass
    /// gathers within the group (hpZ of ZeRO++, Wang et al. 2023, section 3.2).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than two ranks.</exception>
    public static ReshardAfterForward Within(int ranks) => ranks >= 2
        ? new(ranks)
        : throw new ArgumentOutOfRangeException(
            nameof(ranks), ranks, $"A group of {ranks} cannot share a second copy: give at least 2 ranks, {nameof(No)} to keep the whole, or {nameof(Yes)} to let it go.");

    /// <summary>As configurations say it: <c>true</c>, <c>false</c> or the number of ranks.</summary>
    public override string ToString() => Keeps ? "false" : GroupSize == 0 ? "true" : $"{GroupSize}";
}
