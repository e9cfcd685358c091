namespace NetZero.Checkpoints;

/// <summary>What is wanted of one block of a piece. A block is read and verified as a whole.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Piece">The piece of it that the block belongs to.</param>
/// <param name="Block">The block's number in the piece.</param>
/// <param name="BlockBytes">Bytes of the block.</param>
/// <param name="Skip">Bytes of it before the part.</param>
/// <param name="Count">Bytes of the part.</param>
/// <param name="Offset">Where in the destination the part belongs.</param>
internal readonly record struct BlockPart(CheckpointTensor Tensor, CheckpointPiece Piece, long Block, int BlockBytes, int Skip, int Count, long Offset)
{
    /// <summary>The parts that some elements of a tensor consist of, in their order.</summary>
    public static IEnumerable<BlockPart> Of(CheckpointTensor tensor, long first, long elements)
    {
        var width = tensor.ElementBytes();
        foreach (var piece in tensor.Pieces)
        {
            var (from, to) = (Math.Max(first, piece.First), Math.Min(first + elements, piece.First + piece.Elements));
            var pieceBytes = piece.Elements * width;
            for (var at = (from - piece.First) * width; at < (to - piece.First) * width;)
            {
                var block = at / BlockChecksums.BlockBytes;
                var blockStart = block * BlockChecksums.BlockBytes;
                var blockBytes = (int)Math.Min(BlockChecksums.BlockBytes, pieceBytes - blockStart);
                var count = (int)Math.Min(blockStart + blockBytes, (to - piece.First) * width) - at;
                yield return new BlockPart(tensor, piece, block, blockBytes, (int)(at - blockStart), (int)count, at - ((first - piece.First) * width));
                at += count;
            }
        }
    }
}
