using System.Text;

namespace NetZero.Planning;

/// <summary>A plan as one HTML page that needs no network: facts, figures and tables, in the reader's light or dark scheme.</summary>
public sealed class PlanPage
{
    private const string Head = """
        <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
        <style>
        body { font: 15px/1.5 "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; margin: 0 auto; max-width: 1040px; padding: 24px 20px 60px; background: #ffffff; color: #24292f; }
        h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 34px 0 8px; } p { margin: 4px 0 12px; }
        table { border-collapse: collapse; } td, th { padding: 3px 22px 3px 0; text-align: left; font-weight: normal; border-bottom: 1px solid #d8dee4; vertical-align: top; }
        th { color: #57606a; } td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } svg { width: 100%; min-width: 720px; height: auto; display: block; }
        .wide { overflow-x: auto; }
        @media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } td, th { border-color: #30363d; } th { color: #8b949e; } }
        </style>
        """;

    private readonly StringBuilder _body = new();
    private readonly string _title;

    /// <summary>An empty page.</summary>
    public PlanPage(string title) => _title = Escaped(title);

    /// <summary>Names and values, a line each.</summary>
    public PlanPage Facts(IEnumerable<(string Name, string Value)> facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        _body.Append("<table>\n");
        foreach (var (name, value) in facts)
            _body.Append("<tr><th>").Append(Escaped(name)).Append("</th><td>").Append(Escaped(value)).Append("</td></tr>\n");
        _body.Append("</table>\n");
        return this;
    }

    /// <summary>A heading with a sentence.</summary>
    public PlanPage Section(string heading, string text)
    {
        _body.Append("<h2>").Append(Escaped(heading)).Append("</h2>\n<p>").Append(Escaped(text)).Append("</p>\n");
        return this;
    }

    /// <summary>A picture, as SVG of this room's figures.</summary>
    public PlanPage Figure(string svg)
    {
        _body.Append("<div class=\"wide\">").Append(svg).Append("</div>\n");
        return this;
    }

    /// <summary>A table; the first column is text, the others numbers.</summary>
    public PlanPage Table(IReadOnlyList<string> heads, IEnumerable<IReadOnlyList<string>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        _body.Append("<div class=\"wide\"><table>\n<tr>");
        foreach (var head in heads)
            _body.Append("<th>").Append(Escaped(head)).Append("</th>");
        _body.Append("</tr>\n");
        foreach (var row in rows)
        {
            _body.Append("<tr>");
            for (var i = 0; i < row.Count; i++)
                _body.Append(i == 0 ? "<td>" : "<td class=\"number\">").Append(Escaped(row[i])).Append("</td>");
            _body.Append("</tr>\n");
        }

        _body.Append("</table></div>\n");
        return this;
    }

    /// <summary>The page.</summary>
    public override string ToString() => $"<!doctype html>\n<html lang=\"en\"><head><title>{_title}</title>\n{Head}\n</head><body>\n<h1>{_title}</h1>\n{_body}</body></html>\n";

    private static string Escaped(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal);
}
