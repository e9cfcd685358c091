using NetZero.Sharding.Tests.Engine;

// Beside being a library of tests this is the program that mpirun starts for those of MPI; nothing else calls it.
return args is [MpiDivergence.Verb, var kind, var stage, var folder]
    ? await MpiDivergence.RunRankAsync(Enum.Parse<Divergence>(kind), int.Parse(stage, System.Globalization.CultureInfo.InvariantCulture), folder)
    : 2;
