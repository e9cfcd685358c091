using BenchmarkDotNet.Running;
using NetZero.Benchmarks;

// quick [--threads N] [--filter TEXT]: a table in half a minute; anything else goes to BenchmarkDotNet (--filter '*Gemm*').
if (args is ["quick", .. var rest])
{
    var threads = 1;
    string? filter = null;
    for (var i = 0; i < rest.Length; i += 2)
    {
        switch (rest[i])
        {
            case "--threads" when i + 1 < rest.Length && int.TryParse(rest[i + 1], out threads):
                break;
            case "--filter" when i + 1 < rest.Length:
                filter = rest[i + 1];
                break;
            default:
                Console.Error.WriteLine($"quick: '{rest[i]}' is not understood; the options are --threads N and --filter TEXT.");
                return 2;
        }
    }

    QuickGemm.Run(threads, filter);
    return 0;
}

BenchmarkSwitcher.FromAssembly(typeof(QuickGemm).Assembly).Run(args);
return 0;
