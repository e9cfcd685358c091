using NetZero.Nn;

namespace NetZero.Planning;

/// <summary>A model that declares its units and their sizes and cannot compute: enough for the sharding engine to declare its schedule.</summary>
internal sealed class DeclaredModel : Module
{
    /// <summary>A model of a root unit and equal blocks.</summary>
    /// <param name="rootElements">Parameters of the root unit.</param>
    /// <param name="blocks">How many blocks.</param>
    /// <param name="blockElements">Parameters of each.</param>
    public DeclaredModel(long rootElements, int blocks, long blockElements)
    {
        AddParameter("weights", [rootElements], Initializer.Zeros);
        for (var block = 0; block < blocks; block++)
            AddUnit($"h.{block}", new Block(blockElements));
    }

    private sealed class Block : Module
    {
        public Block(long elements) => AddParameter("weights", [elements], Initializer.Zeros);
    }
}
