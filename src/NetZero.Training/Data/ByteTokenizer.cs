using System.Text;

namespace NetZero.Training;

/// <summary>One token a byte: any text, in any encoding, without training a vocabulary. Prompts are UTF-8.</summary>
public sealed class ByteTokenizer : ITokenizer
{
    /// <summary>How the tokenizer is called in configurations and in saved models.</summary>
    public const string Name = "bytes";

    /// <inheritdoc/>
    public int VocabularySize => 256;

    /// <inheritdoc/>
    public int[] Encode(string text) => Array.ConvertAll(Encoding.UTF8.GetBytes(text), b => (int)b);

    /// <inheritdoc/>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        var bytes = new byte[tokens.Length];
        for (var i = 0; i < bytes.Length; i++)
        {
            if (tokens[i] is < 0 or > byte.MaxValue)
                throw new ArgumentOutOfRangeException(nameof(tokens), tokens[i], "A byte token is from 0 to 255.");
            bytes[i] = (byte)tokens[i];
        }
        return Encoding.UTF8.GetString(bytes);
    }

    /// <inheritdoc/>
    public ITokens Tokenize(MappedText text) => new ByteTokens(text);

    /// <inheritdoc/>
    public void Save(string folder) => Tokenizers.Save(folder, Name, VocabularySize);

    private sealed class ByteTokens(MappedText text) : ITokens
    {
        // Widening goes through the stack in pieces: no buffer of the batch's size is needed.
        private const int PieceBytes = 4096;

        public long Count => text.LengthBytes;

        public void Read(long start, Span<int> destination)
        {
            Span<byte> piece = stackalloc byte[PieceBytes];
            for (var done = 0; done < destination.Length; done += PieceBytes)
            {
                var bytes = piece[..Math.Min(PieceBytes, destination.Length - done)];
                text.Read(start + done, bytes);
                for (var i = 0; i < bytes.Length; i++)
                    destination[done + i] = bytes[i];
            }
        }
    }
}
