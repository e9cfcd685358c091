using NetZero.Collectives.Tests;

// Beside being a library of tests this is the program that mpirun starts for those of MPI, and the launcher for its own; nothing else calls it.
return args is [LaunchedRank.Verb, var what] ? await LaunchedRank.RunAsync(what)
    : args is [MpiSuite.Whole or MpiSuite.NativeReductions, var limit]
    ? await MpiSuite.RunAsync(int.Parse(limit, System.Globalization.CultureInfo.InvariantCulture), args[0] == MpiSuite.NativeReductions)
    : 2;
