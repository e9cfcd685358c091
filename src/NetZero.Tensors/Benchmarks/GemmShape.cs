using System.Globalization;

namespace NetZero.Tensors;

/// <summary>A multiplication C [M, N] (+)= A [M, K] · B [K, N] and where training meets it.</summary>
/// <param name="Name">Its name in results.</param>
/// <param name="M">Rows of A and C.</param>
/// <param name="N">Columns of B and C.</param>
/// <param name="K">Columns of A, rows of B.</param>
/// <param name="TransposeA">A is stored as [K, M].</param>
/// <param name="TransposeB">B is stored as [N, K].</param>
/// <param name="Accumulate">The product is added to what C holds.</param>
public sealed record GemmShape(
    string Name, long M, long N, long K, bool TransposeA = false, bool TransposeB = false, bool Accumulate = false)
{
    /// <summary>The largest side of a shape that is read from text: a matrix of 4 TiB.</summary>
    public const long MaxExtent = 1 << 20;

    /// <summary>Multiplications and additions.</summary>
    public double Flops => 2.0 * M * N * K;

    /// <summary>Bytes of the three matrices; C counts twice where it is added to.</summary>
    public long Bytes => sizeof(float) * ((M * K) + (K * N) + (M * N * (Accumulate ? 2 : 1)));

    /// <summary>What is measured when nothing is asked for: cubes, the layers of two models, and thin ones.</summary>
    public static IReadOnlyList<GemmShape> All { get; } = [.. Cubes(), .. Training(), .. Thin()];

    /// <summary>Reads MxNxK, such as 512x768x3072, as a multiplication of matrices stored as they are.</summary>
    /// <returns>Null if the text is not three whole numbers from 1 to <see cref="MaxExtent"/>.</returns>
    public static GemmShape? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sizes = new List<long>();
        foreach (var part in text.Split('x'))
        {
            if (!long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size is < 1 or > MaxExtent)
                return null;
            sizes.Add(size);
        }

        return sizes is [var m, var n, var k] ? new GemmShape("given", m, n, k) : null;
    }

    /// <summary>The shape's name.</summary>
    public override string ToString() => Name;

    // In all four transposes.
    private static IEnumerable<GemmShape> Cubes()
    {
        foreach (var size in new long[] { 512, 1024, 2048 })
        {
            foreach (var (a, b) in new[] { (false, false), (false, true), (true, false), (true, true) })
                yield return new GemmShape($"{size}^3 {(a ? "T" : "N")}{(b ? "T" : "N")}", size, size, size, a, b);
        }
    }

    // The linear layers of one training step: y = x·W, dx = dy·W^T, dW += x^T·dy, with W [in, out] and rows = batch x sequence.
    private static IEnumerable<GemmShape> Training()
    {
        (string Model, long Rows, long Width, long Vocabulary)[] models = [("small", 12 * 256, 384, 256), ("gpt2", 2 * 256, 768, 50257)];
        foreach (var (model, rows, width, vocabulary) in models)
        {
            (string Layer, long In, long Out)[] layers = [("qkv", width, 3 * width), ("proj", width, width), ("up", width, 4 * width), ("down", 4 * width, width)];
            foreach (var (layer, input, output) in layers)
            {
                yield return new GemmShape($"{model} {layer} y", rows, output, input);
                yield return new GemmShape($"{model} {layer} dx", rows, input, output, TransposeB: true);
                yield return new GemmShape($"{model} {layer} dW", input, output, rows, TransposeA: true, Accumulate: true);
            }

            // The tied head: weights [vocabulary, width].
            yield return new GemmShape($"{model} head y", rows, vocabulary, width, TransposeB: true);
            yield return new GemmShape($"{model} head dx", rows, width, vocabulary);
            yield return new GemmShape($"{model} head dW", vocabulary, width, rows, TransposeA: true, Accumulate: true);
        }
    }

    // Generation, one row: weights as stored by Conv1D layers, as the tied head, and a plain dot-product column.
    private static IEnumerable<GemmShape> Thin()
    {
        yield return new GemmShape("gpt2 up, 1 row", 1, 3072, 768);
        yield return new GemmShape("gpt2 head, 1 row", 1, 50257, 768, TransposeB: true);
        yield return new GemmShape("1 column", 3072, 1, 768);
        yield return new GemmShape("k = 64", 256, 256, 64, TransposeB: true);
    }
}
