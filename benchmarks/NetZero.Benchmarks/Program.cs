using System.Globalization;
using BenchmarkDotNet.Running;
using NetZero.Benchmarks;

if (args is ["collectives", .. var sizes])
    await CollectiveBandwidth.RunAsync(sizes.Length > 0 ? int.Parse(sizes[0], CultureInfo.InvariantCulture) : 2, sizes.Length > 1 ? int.Parse(sizes[1], CultureInfo.InvariantCulture) : 64);
else
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
