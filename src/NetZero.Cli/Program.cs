using NetZero.Cli;

return await new Tool(ConsoleTerminal.Instance, Engines.Real).RunAsync(args);
