namespace NetZero.Tensors.Cpu;

/// <summary>Attention, plainly, in double precision with the whole T x T matrix: what the kernels are tested against.</summary>
/// <remarks>Packed as [B, T, heads, D]; queries have shape.Heads heads, keys and values shape.KeyHeads.</remarks>
internal static class AttentionReference
{
    public static double[] Forward(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, AttentionShape s)
    {
        var o = new double[s.Batch * s.Tokens * s.Heads * s.HeadChannels];
        for (long b = 0; b < s.Batch; b++)
        {
            for (long h = 0; h < s.Heads; h++)
            {
                var p = Probabilities(q, k, s, b, h);
                for (long i = 0; i < s.Tokens; i++)
                {
                    for (long j = 0; j < s.Tokens; j++)
                    {
                        for (long d = 0; d < s.HeadChannels; d++)
                            o[Query(s, b, i, h) + d] += p[i, j] * v[(int)(Key(s, b, j, h) + d)];
                    }
                }
            }
        }

        return o;
    }

    // With P = softmax(scale Q K'): dV = P' dO, dP = dO V', dS = P (dP - rowsum(P dP)), dQ = scale dS K, dK = scale dS' Q.
    public static (double[] Dq, double[] Dk, double[] Dv) Backward(
        ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, ReadOnlySpan<float> dO, AttentionShape s)
    {
        var (dq, dk, dv) = (new double[q.Length], new double[k.Length], new double[v.Length]);
        var dP = new double[s.Tokens];
        for (long b = 0; b < s.Batch; b++)
        {
            for (long h = 0; h < s.Heads; h++)
            {
                var p = Probabilities(q, k, s, b, h);
                for (long i = 0; i < s.Tokens; i++)
                {
                    var rowSum = 0.0;
                    var query = Query(s, b, i, h);
                    for (long j = 0; j < s.Tokens; j++)
                    {
                        var key = Key(s, b, j, h);
                        dP[j] = 0;
                        for (long d = 0; d < s.HeadChannels; d++)
                        {
                            dP[j] += dO[(int)(query + d)] * (double)v[(int)(key + d)];
                            dv[key + d] += p[i, j] * dO[(int)(query + d)];
                        }

                        rowSum += p[i, j] * dP[j];
                    }

                    for (long j = 0; j < s.Tokens; j++)
                    {
                        var key = Key(s, b, j, h);
                        var dS = p[i, j] * (dP[j] - rowSum) * s.Scale;
                        for (long d = 0; d < s.HeadChannels; d++)
                        {
                            dq[query + d] += dS * k[(int)(key + d)];
                            dk[key + d] += dS * q[(int)(query + d)];
                        }
                    }
                }
            }
        }

        return (dq, dk, dv);
    }

    private static double[,] Probabilities(ReadOnlySpan<float> q, ReadOnlySpan<float> k, AttentionShape s, long b, long h)
    {
        var p = new double[s.Tokens, s.Tokens];
        for (long i = 0; i < s.Tokens; i++)
        {
            var visible = s.Causal ? i + 1 : s.Tokens;
            double max = double.NegativeInfinity, sum = 0;
            for (long j = 0; j < visible; j++)
            {
                for (long d = 0; d < s.HeadChannels; d++)
                    p[i, j] += q[(int)(Query(s, b, i, h) + d)] * (double)k[(int)(Key(s, b, j, h) + d)];
                p[i, j] *= s.Scale;
                max = Math.Max(max, p[i, j]);
            }

            for (long j = 0; j < visible; j++)
                sum += p[i, j] = Math.Exp(p[i, j] - max);
            for (long j = 0; j < visible; j++)
                p[i, j] /= sum;
        }

        return p;
    }

    private static long Query(AttentionShape s, long b, long t, long h) => ((((b * s.Tokens) + t) * s.Heads) + h) * s.HeadChannels;

    private static long Key(AttentionShape s, long b, long t, long h) =>
        ((((b * s.Tokens) + t) * s.KeyHeads) + (h / s.GroupSize)) * s.HeadChannels;
}
