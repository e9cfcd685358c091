using NetZero.Training.Tests.Parity;

// Beside being a library of tests this is the program that mpirun starts for those of MPI; nothing else calls it.
return args is [MpiStages.Verb] ? await MpiStages.RunAsync() : 2;
