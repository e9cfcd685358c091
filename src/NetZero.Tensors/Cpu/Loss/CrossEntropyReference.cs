namespace NetZero.Tensors.Cpu;

/// <summary>Cross-entropy and its gradient, plainly, in double precision: what the kernels are tested against.</summary>
internal static class CrossEntropyReference
{
    public static (double Loss, double[] Dlogits) Run(ReadOnlySpan<float> logits, ReadOnlySpan<long> targets, int vocabulary, long ignoreIndex)
    {
        var dlogits = new double[logits.Length];
        double sum = 0;
        var count = 0;
        foreach (var target in targets)
            count += target == ignoreIndex ? 0 : 1;
        for (var row = 0; row < targets.Length; row++)
        {
            if (targets[row] == ignoreIndex)
                continue;
            double max = double.NegativeInfinity, total = 0;
            for (var j = 0; j < vocabulary; j++)
                max = Math.Max(max, logits[(row * vocabulary) + j]);
            for (var j = 0; j < vocabulary; j++)
                total += Math.Exp(logits[(row * vocabulary) + j] - max);
            var lse = max + Math.Log(total);
            sum += lse - logits[(row * vocabulary) + (int)targets[row]];
            for (var j = 0; j < vocabulary; j++)
                dlogits[(row * vocabulary) + j] = (Math.Exp(logits[(row * vocabulary) + j] - lse) - (j == targets[row] ? 1 : 0)) / count;
        }

        return (sum / count, dlogits);
    }
}
