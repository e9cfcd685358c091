using System.Text;

namespace NetZero.Planning;

/// <summary>A table of text with a header row, as RFC 4180 has it: commas, fields in quotes where they hold commas, quotes doubled.</summary>
internal sealed class CsvTable
{
    private readonly Dictionary<string, int> _columns;

    private CsvTable(IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        _columns = header.Select((name, index) => (name, index)).ToDictionary(column => column.name.Trim(), column => column.index, StringComparer.Ordinal);
        Rows = rows;
    }

    /// <summary>The rows below the header.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Rows { get; }

    /// <summary>Reads a table.</summary>
    /// <exception cref="ArgumentException">No header, two columns of one name, or a quote that does not end.</exception>
    public static CsvTable Parse(string text, string where)
    {
        var rows = new List<IReadOnlyList<string>>();
        var (row, field, quoted) = (new List<string>(), new StringBuilder(), false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append(text[++i]);
            }
            else if (c == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && c is ',' or '\n' && !quoted)
            {
                row.Add(field.ToString().TrimEnd('\r'));
                field.Clear();
                if (c == '\n')
                    EndRow();
            }
            else
            {
                field.Append(c);
            }
        }

        if (quoted)
            throw new ArgumentException($"{where}: a quoted field of row {rows.Count} does not end");
        row.Add(field.ToString());
        EndRow();
        if (rows.Count == 0)
            throw new ArgumentException($"{where}: no header row");
        if (rows[0].GroupBy(name => name).FirstOrDefault(names => names.Count() > 1) is { } twice)
            throw new ArgumentException($"{where}: two columns are called '{twice.Key}'");
        return new CsvTable(rows[0], rows[1..]);

        void EndRow()
        {
            if (row.Count > 1 || row[0].Length > 0)
                rows.Add(row);
            row = [];
        }
    }

    /// <summary>A field; empty where the row or the table has none.</summary>
    public string Field(IReadOnlyList<string> row, string column) =>
        _columns.TryGetValue(column, out var index) && index < row.Count ? row[index].Trim() : "";

    /// <summary>Whether the table has a column.</summary>
    public bool Has(string column) => _columns.ContainsKey(column);
}
