using System.Text;

namespace NetZero.Checkpoints;

/// <summary>
/// A file of a saved model is damaged, or holds something else than what was asked for. The message is one line that names the file, the
/// tensor where there is one, what was found and what was expected.
/// </summary>
public sealed class CheckpointFormatException : Exception
{
    // Long enough for every real tensor name; a damaged header can hold names of megabytes.
    private const int LongestQuote = 120;

    /// <summary>Reports <paramref name="problem"/> of <paramref name="file"/>.</summary>
    /// <param name="file">The file or folder.</param>
    /// <param name="problem">What was found and what was expected, as a clause.</param>
    /// <param name="inner">The failure underneath, if any.</param>
    public CheckpointFormatException(string file, string problem, Exception? inner = null)
        : base($"{file}: {problem}", inner) =>
        File = file;

    /// <summary>Reports <paramref name="problem"/> of one tensor in <paramref name="file"/>.</summary>
    /// <param name="file">The file or folder.</param>
    /// <param name="tensor">The tensor's name as it is in the file.</param>
    /// <param name="problem">What was found and what was expected, as a clause.</param>
    public CheckpointFormatException(string file, string tensor, string problem)
        : base($"{file}: tensor {Quote(tensor)} {problem}")
    {
        File = file;
        Tensor = tensor;
    }

    /// <summary>The file or folder that the problem is in.</summary>
    public string File { get; }

    /// <summary>The tensor that the problem is in, if it is in one.</summary>
    public string? Tensor { get; }

    /// <summary>A string from a file, fit for a one-line message: quoted, shortened, without control characters.</summary>
    internal static string Quote(string text)
    {
        var quoted = new StringBuilder("'");
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, LongestQuote)))
        {
            if (char.IsControl(c) || char.IsSurrogate(c))
                quoted.Append($"\\u{(int)c:x4}");
            else
                quoted.Append(c);
        }
        return quoted.Append(text.Length > LongestQuote ? "...'" : "'").ToString();
    }

    /// <summary>A shape as messages show it: <c>[256, 64]</c>.</summary>
    internal static string Show(IReadOnlyList<long> shape)
    {
        const int mostDims = 8;
        var dims = string.Join(", ", shape.Take(mostDims));
        return shape.Count > mostDims ? $"[{dims}, ... {shape.Count} dims]" : $"[{dims}]";
    }
}
