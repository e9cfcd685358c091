using Spectre.Console;

namespace NetZero.Cli;

/// <summary>Tables for people, drawn by Spectre.</summary>
internal static class TextTable
{
    // Where nobody looks a line may be as long as it has to: what is read by programs must not be wrapped.
    private const int Unlimited = 1000;

    /// <summary>Draws a table.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="columns">The columns' names; those that begin with &gt; are aligned to the right.</param>
    /// <param name="rows">The cells, as many in a row as there are columns.</param>
    public static void Write(ITerminal terminal, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Out), Ansi = AnsiSupport.No });
        if (!terminal.IsInteractive)
            console.Profile.Width = Unlimited;
        var table = new Table().Border(terminal.IsInteractive ? TableBorder.Rounded : TableBorder.Ascii);
        foreach (var name in columns)
        {
            var column = new TableColumn(new Text(name.TrimStart('>')));
            table.AddColumn(name.StartsWith('>') ? column.RightAligned() : column);
        }
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(Printable.Text(cell))));
        console.Write(table);
    }
}
