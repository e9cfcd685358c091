using System.Diagnostics;

namespace NetZero.Training;

/// <summary>How long a rank takes to read its tokens from a text in memory.</summary>
internal static class LoadBenchmark
{
    private const int Length = 256, Rows = 16, Repeats = 20;

    public static double SecondsPerToken()
    {
        var text = new Bytes();
        var reader = new BatchReader(text, new SampleOrder(text.Count / Length - 1, shuffle: true, seed: 1), new BatchLayout(1, 1, Rows, Length), 0);
        var (inputs, targets) = (new int[Rows * Length], new int[Rows * Length]);
        var fastest = double.MaxValue;
        for (var step = 0; step < Repeats; step++)
        {
            var start = Stopwatch.GetTimestamp();
            reader.Read(step, 0, inputs, targets);
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return fastest / inputs.Length;
    }

    private sealed class Bytes : ITokens
    {
        private readonly byte[] _text = new byte[1 << 20];

        public long Count => _text.Length;

        public void Read(long start, Span<int> destination)
        {
            for (var i = 0; i < destination.Length; i++)
                destination[i] = _text[start + i];
        }
    }
}
