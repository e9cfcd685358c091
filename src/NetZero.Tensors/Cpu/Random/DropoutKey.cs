namespace NetZero.Tensors.Cpu;

/// <summary>Which random numbers a dropout call uses: a function of the run, the step, the site and the sample, never of the rank.</summary>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Step">The optimizer step.</param>
/// <param name="Site">Which dropout of the model.</param>
/// <param name="FirstSample">Index, in the whole training order, of the first sample of this call's batch.</param>
internal readonly record struct DropoutKey(long Seed, long Step, int Site, long FirstSample)
{
    // "DROP": keeps these streams apart from others that may be derived from the seed.
    private const uint Domain = 0x44524F50;

    /// <summary>The Philox key of this (seed, step, site): samples and elements then count under it.</summary>
    public ulong Derive()
    {
        var block = Philox.Generate((ulong)Step, (uint)Site | ((ulong)Domain << 32), (ulong)Seed);
        return block.W0 | ((ulong)block.W1 << 32);
    }
}
