namespace NetZero.Cli;

/// <summary>Text that a model wrote, fit for a terminal: a byte-level model can write any control character, and a terminal would obey it.</summary>
internal static class Printable
{
    public static string Text(string text) => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\t' or '\n') ? '\uFFFD' : c));
}
