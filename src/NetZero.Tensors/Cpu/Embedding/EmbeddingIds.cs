namespace NetZero.Tensors.Cpu;

/// <summary>Reads integer ids of either width and refuses those that name no row.</summary>
internal static unsafe class EmbeddingIds
{
    public static long Read(void* ids, DType idType, long index) => idType == DType.I64 ? ((long*)ids)[index] : ((int*)ids)[index];

    /// <exception cref="ArgumentException">The id lies outside of [0, vocabulary).</exception>
    public static long At(string operation, void* ids, DType idType, long index, long vocabulary)
    {
        var id = Read(ids, idType, index);
        return (ulong)id < (ulong)vocabulary ? id : throw OutOfRange(operation, id, index, vocabulary);
    }

    internal static ArgumentException OutOfRange(string operation, long id, long index, long vocabulary) => new(
        $"{operation}: id {id} at position {index} is outside of the vocabulary of {vocabulary}; ids go from 0 to {vocabulary - 1}. " +
        "Check that the text was encoded with the model's own tokenizer.");
}
