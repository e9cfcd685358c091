namespace NetZero.Benchmarks;

/// <summary>A multiplication C [M, N] (+)= A [M, K] · B [K, N] and where training meets it.</summary>
public sealed record GemmShape(
    string Name, long M, long N, long K, bool TransposeA = false, bool TransposeB = false, bool Accumulate = false)
{
    public double Flops => 2.0 * M * N * K;

    /// <summary>Cubes in all four transposes.</summary>
    public static IEnumerable<GemmShape> Cubes()
    {
        foreach (var size in new long[] { 512, 1024 })
        {
            foreach (var (a, b) in new[] { (false, false), (false, true), (true, false), (true, true) })
                yield return new GemmShape($"{size}^3 {(a ? "T" : "N")}{(b ? "T" : "N")}", size, size, size, a, b);
        }
    }

    /// <summary>The linear layers of one training step: y = x·W, dx = dy·W^T, dW += x^T·dy, with W [in, out] and rows = batch x sequence.</summary>
    public static IEnumerable<GemmShape> Training()
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

    /// <summary>Generation, one row: weights as stored by Conv1D layers, as the tied head, and a plain dot-product column.</summary>
    public static IEnumerable<GemmShape> Thin()
    {
        yield return new GemmShape("gpt2 up, 1 row", 1, 3072, 768);
        yield return new GemmShape("gpt2 head, 1 row", 1, 50257, 768, TransposeB: true);
        yield return new GemmShape("1 column", 3072, 1, 768);
        yield return new GemmShape("k = 64", 256, 256, 64, TransposeB: true);
    }

    public override string ToString() => Name;
}
