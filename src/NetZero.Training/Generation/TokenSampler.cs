namespace NetZero.Training;

/// <summary>How the next token is chosen.</summary>
/// <param name="Temperature">Logits are divided by it: below 1 likely tokens become likelier; 0 always takes the likeliest.</param>
/// <param name="TopK">Only so many of the likeliest tokens are chosen from; 0 is all.</param>
/// <param name="Seed">What the choice is drawn from.</param>
public sealed record SamplingOptions(double Temperature = 1, int TopK = 0, long Seed = 0)
{
    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ConfigurationException">A value is out of its range.</exception>
    public void Validate()
    {
        if (!(Temperature >= 0) || double.IsInfinity(Temperature))
            throw new ConfigurationException($"temperature is {Temperature}; expected a number, at least 0");
        if (TopK < 0)
            throw new ConfigurationException($"top-k is {TopK}; expected a whole number, at least 0 (0 is all tokens)");
    }
}

/// <summary>
/// Draws tokens from logits: p(v) = exp(l(v) / temperature) / sum, over the top-k likeliest tokens. The n-th token depends on the seed, n and
/// its logits alone.
/// </summary>
public sealed class TokenSampler
{
    private readonly SamplingOptions _options;
    private readonly int[] _candidates;
    private readonly double[] _weights;

    /// <summary>Draws from a vocabulary.</summary>
    /// <exception cref="ConfigurationException">An option is out of its range.</exception>
    public TokenSampler(SamplingOptions options, int vocabularySize)
    {
        options.Validate();
        _options = options;
        _candidates = new int[vocabularySize];
        _weights = new double[vocabularySize];
    }

    /// <summary>The token at a position of the generated text.</summary>
    /// <param name="logits">One logit for each token of the vocabulary.</param>
    /// <param name="position">How many tokens were drawn before.</param>
    /// <exception cref="ArgumentException">The logits are not as many as the vocabulary.</exception>
    /// <exception cref="DivergedModelException">The largest logit is not finite, or none is a number.</exception>
    public int Next(ReadOnlySpan<float> logits, long position)
    {
        if (logits.Length != _candidates.Length)
            throw new ArgumentException($"Found {logits.Length} logits, expected {_candidates.Length}.", nameof(logits));
        if (_options.Temperature == 0)
            return Likeliest(logits);

        var count = TakeCandidates(logits);
        var largest = logits[Likeliest(logits)];
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            sum += _weights[i] = Math.Exp((logits[_candidates[i]] - largest) / _options.Temperature);
        var left = CounterRandom(_options.Seed, position) * sum;
        for (var i = 0; i < count - 1; i++)
        {
            left -= _weights[i];
            if (left < 0)
                return _candidates[i];
        }
        return _candidates[count - 1];
    }

    // Fills the candidates, the likeliest first where only some are taken; equal logits come in the order of their ids.
    private int TakeCandidates(ReadOnlySpan<float> logits)
    {
        for (var i = 0; i < logits.Length; i++)
            _candidates[i] = i;
        if (_options.TopK == 0 || _options.TopK >= logits.Length)
            return logits.Length;
        var order = logits.ToArray();
        Array.Sort(_candidates, (a, b) => order[b].CompareTo(order[a]) is var c && c != 0 ? c : a.CompareTo(b));
        return _options.TopK;
    }

    private static int Likeliest(ReadOnlySpan<float> logits)
    {
        var best = -1;
        for (var i = 0; i < logits.Length; i++)
        {
            if (!float.IsNaN(logits[i]) && (best < 0 || logits[i] > logits[best]))
                best = i;
        }
        return best >= 0 && float.IsFinite(logits[best]) ? best : throw new DivergedModelException();
    }

    // A number from 0 to below 1 with 53 random bits.
    private static double CounterRandom(long seed, long position) =>
        (SplitMix64.Mix(SplitMix64.Mix((ulong)seed) ^ (ulong)position) >> 11) * (1.0 / (1L << 53));
}
