using System.Globalization;
using System.Text;

namespace NetZero.Planning;

/// <summary>An SVG under construction: numbers have a point and at most two decimals, text is escaped.</summary>
internal sealed class SvgText
{
    private readonly StringBuilder _text = new();

    public void Line(FormattableString line)
    {
        var arguments = line.GetArguments().Select(Escaped).ToArray();
        _text.AppendFormat(CultureInfo.InvariantCulture, line.Format, arguments).Append('\n');
    }

    /// <summary>Adds text as it stands.</summary>
    public void Raw(string text) => _text.Append(text).Append('\n');

    public override string ToString() => _text.ToString();

    /// <summary>A coordinate.</summary>
    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static object Escaped(object? argument) => argument switch
    {
        double number => Number(number),
        string text => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal),
        null => "",
        _ => argument,
    };
}
