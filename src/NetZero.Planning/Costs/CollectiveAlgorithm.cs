namespace NetZero.Planning;

/// <summary>How a collective moves its bytes.</summary>
public enum CollectiveAlgorithm
{
    /// <summary>Every rank passes pieces to its neighbour, N - 1 hops (twice for an all-reduce).</summary>
    Ring,

    /// <summary>Up and down a binary tree, 2 log2 N hops; bytes are pipelined.</summary>
    Tree,

    /// <summary>Halves are exchanged with partners at doubling distance: 2 log2 N hops, ring's bytes.</summary>
    HalvingDoubling,

    /// <summary>Reduced inside each node, then across nodes, then spread inside.</summary>
    Hierarchical,

    /// <summary>Switches inside the node add up: the bytes pass once up and once down.</summary>
    Switch,
}
