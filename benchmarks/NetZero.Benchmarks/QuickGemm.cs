using System.Diagnostics;
using NetZero.Tensors;

namespace NetZero.Benchmarks;

/// <summary>
/// Seconds instead of minutes: each shape's best of many runs, alternating with the FMA peak, so that both see the same
/// clock and the same neighbours. Good enough because the kernels are compiled once, fully optimised (no tiers to wait for).
/// </summary>
internal static class QuickGemm
{
    private const int Rounds = 6;
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(80);

    public static void Run(int threads, string? filter)
    {
        Console.WriteLine($"{"shape",-22} {"M",6} {"N",6} {"K",6} {"GFLOP/s",9} {"peak",9} {"share",7}");
        foreach (var shape in GemmShape.Cubes().Concat(GemmShape.Training()).Concat(GemmShape.Thin()))
        {
            if (filter != null && !shape.Name.Contains(filter, StringComparison.Ordinal))
                continue;
            using var problem = new GemmProblem(shape, threads);
            problem.Run();
            var gflops = 0.0;
            var peak = 0.0;
            for (var round = 0; round < Rounds; round++)
            {
                peak = Math.Max(peak, FmaPeak.MeasureGflops(threads));
                var start = Stopwatch.GetTimestamp();
                do
                {
                    var before = Stopwatch.GetTimestamp();
                    problem.Run();
                    gflops = Math.Max(gflops, shape.Flops / Stopwatch.GetElapsedTime(before).TotalSeconds * 1e-9);
                }
                while (Stopwatch.GetElapsedTime(start) < Window);
            }

            Console.WriteLine($"{shape.Name,-22} {shape.M,6} {shape.N,6} {shape.K,6} {gflops,9:F1} {peak,9:F1} {gflops / peak,7:P1}");
        }
    }
}
