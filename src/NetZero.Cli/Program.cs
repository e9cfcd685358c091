using NetZero.Cli;
using NetZero.Training;

// Before anything else: parsing the command line alone takes as long as half of it. A launcher only starts others.
if (args is ["train", ..] && !Array.Exists(args, one => one.StartsWith("--processes", StringComparison.Ordinal)))
    WarmUp.Begin();

// Open MPI gives its ranks a terminal whatever becomes of their output: the console writes nothing to set that up.
if (Environment.GetEnvironmentVariable("OMPI_COMM_WORLD_RANK") is not null)
    Environment.SetEnvironmentVariable("TERM", "dumb");

return await new Tool(ConsoleTerminal.Instance, Engines.Real).RunAsync(args);
