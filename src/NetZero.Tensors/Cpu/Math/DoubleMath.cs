namespace NetZero.Tensors.Cpu;

/// <summary>Double-precision functions that the framework lacks, for references.</summary>
internal static class DoubleMath
{
    /// <summary>
    /// The error function by its Taylor series or, from 3 on, the continued fraction of its complement; within 1e-14 relative.
    /// </summary>
    public static double Erf(double x)
    {
        var a = Math.Abs(x);
        if (double.IsNaN(x))
            return x;
        if (a >= 6)
            return Math.Sign(x); // 1 - erf 6 is 2e-17: below half an ulp of 1.
        if (a < 3)
        {
            // erf x = 2/√π e^(-x²) Σ 2^k x^(2k+1) / (2k+1)!!, terms of one sign, so that nothing cancels.
            var term = x;
            var sum = x;
            for (var k = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); k++)
            {
                term *= 2 * x * x / ((2 * k) + 1);
                sum += term;
            }

            return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
        }

        // erfc x = e^(-x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), from the inside out.
        var tail = a;
        for (var k = 60; k >= 1; k--)
            tail = a + (k / 2.0 / tail);
        return Math.Sign(x) * (1 - (Math.Exp(-a * a) / Math.Sqrt(Math.PI) / tail));
    }
}
