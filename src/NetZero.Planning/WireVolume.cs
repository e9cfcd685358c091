using NetZero.Collectives;

namespace NetZero.Planning;

/// <summary>Elements that a rank sends in one optimizer step (and receives: as many); scalars and agreements are not counted.</summary>
/// <remarks>
/// One gather or one reduce-scatter of Psi elements over N ranks sends Psi (N - 1) / N from each rank, an all-reduce twice that. A step
/// costs 2 Psi (N - 1) / N at stages 0, 1 and 2 (reduce and gather), and 3 Psi (N - 1) / N at stage 3, which gathers for the forward and
/// again for the backward pass (ZeRO, sections 7.1 and 7.2). Psi counts the padding of the flat buffers.
/// </remarks>
public static class WireVolume
{
    /// <summary>Elements sent per rank and step.</summary>
    /// <param name="paddedParameters">Psi: elements of all units' flat buffers, a multiple of the ranks.</param>
    /// <param name="ranks">N.</param>
    /// <param name="stage">The ZeRO stage, 0 to 3.</param>
    /// <param name="keptParameters">
    /// At stage 3, the elements of units that stay gathered from their forward to their backward pass (the root), and so are gathered once.
    /// </param>
    /// <param name="microBatches">Micro-batches per step.</param>
    /// <param name="reduceLast">Whether micro-batches are accumulated first and reduced once, instead of each being reduced.</param>
    /// <exception cref="ArgumentException">Elements that are no multiple of the ranks, or more kept than there are.</exception>
    public static long ElementsPerRank(
        long paddedParameters, int ranks, int stage, long keptParameters = 0, int microBatches = 1, bool reduceLast = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(paddedParameters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatches);
        ArgumentOutOfRangeException.ThrowIfNegative(keptParameters);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keptParameters, paddedParameters);
        Stages.Check(stage);
        if (paddedParameters % ranks != 0 || keptParameters % ranks != 0)
        {
            throw new ArgumentException(
                $"{paddedParameters} elements, {keptParameters} of them kept, are not multiples of {ranks} ranks; count the padding of each unit.");
        }
        long reductions = reduceLast ? 1 : microBatches;

        // The formulas of single collectives are linear, so they count elements as well as bytes.
        var gather = WireBytes.Of(CollectiveOperation.AllGather, paddedParameters, ranks);
        var keptGather = WireBytes.Of(CollectiveOperation.AllGather, keptParameters, ranks);
        var reduceScatter = WireBytes.Of(CollectiveOperation.ReduceScatter, paddedParameters, ranks);
        var allReduce = WireBytes.Of(CollectiveOperation.AllReduce, paddedParameters, ranks);
        return checked(stage switch
        {
            0 => reductions * allReduce,
            1 or 2 => reductions * reduceScatter + gather,
            _ => microBatches * (2 * gather - keptGather) + reductions * reduceScatter,
        });
    }
}
