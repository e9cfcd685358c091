using NetZero.Cli;
using NetZero.Training;

// Before anything else: parsing the command line alone takes as long as half of it.
if (args is ["train", ..])
    WarmUp.Begin();

return await new Tool(ConsoleTerminal.Instance, Engines.Real).RunAsync(args);
