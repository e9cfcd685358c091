namespace NetZero.Tensors;

/// <summary>What random numbers are keyed by: (seed, step, global sample, site), never the rank. So N ranks draw what one would.</summary>
public sealed class RandomState
{
    /// <summary>The run's seed.</summary>
    public long Seed { get; init; }

    /// <summary>The optimizer step, from 0.</summary>
    public long Step { get; private set; }

    /// <summary>The index in the global batch of the first row of the micro-batch at hand.</summary>
    public long FirstSample { get; private set; }

    /// <summary>How many random sites (dropouts) this forward pass has met.</summary>
    public int Site { get; private set; }

    /// <summary>Starts the forward pass of a micro-batch.</summary>
    public void BeginForward(long step, long firstSample)
    {
        Step = step;
        FirstSample = firstSample;
        Site = 0;
    }

    /// <summary>The number of the next random site of this forward pass.</summary>
    public int NextSite() => Site++;

    /// <summary>Where the forward pass is, so that a part of it can be run again with the same numbers.</summary>
    internal Place Here => new(Step, FirstSample, Site);

    /// <summary>Goes to a place of this or an earlier forward pass.</summary>
    internal void GoTo(Place place) => (Step, FirstSample, Site) = place;

    /// <summary>A place in a forward pass.</summary>
    /// <param name="Step">The optimizer step.</param>
    /// <param name="FirstSample">The first row of the micro-batch.</param>
    /// <param name="Site">Random sites met before.</param>
    internal readonly record struct Place(long Step, long FirstSample, int Site);
}
