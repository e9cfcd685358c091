using System.Globalization;

namespace NetZero.Tensors;

/// <summary>Amounts of memory as text. Units without i are powers of 1000, those with i powers of 1024.</summary>
public static class ByteSize
{
    /// <summary>The units that can be read.</summary>
    public const string Units = "B, KB, MB, GB, TB, KiB, MiB, GiB, TiB";

    /// <summary>What <see cref="TryParse"/> takes, as a regular expression of JSON Schema.</summary>
    public const string SchemaPattern = "^\\s*[0-9]+(\\.[0-9]+)?\\s*([KkMmGgTt][Ii]?)?[Bb]?\\s*$";

    /// <summary>Reads <c>512MB</c>, <c>1.5 GiB</c>, <c>4096</c>: case does not matter, the B may be left out.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var rest = text.AsSpan().Trim();
        var digits = 0;
        while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
            digits++;
        if (!decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return false;
        if (!TryUnit(rest[digits..].Trim(), out var unit) || number > long.MaxValue / unit)
            return false;
        bytes = (long)decimal.Floor(number * unit);
        return true;
    }

    /// <summary>Shows an amount with three digits in powers of 1024: <c>1.42 GiB</c>.</summary>
    public static string Show(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        double amount = bytes;
        while (Math.Abs(amount) >= 999.5 && unit < units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }
        var format = unit == 0 || Math.Abs(amount) >= 99.95 ? "0" : Math.Abs(amount) >= 9.995 ? "0.0" : "0.00";
        return amount.ToString(format, CultureInfo.InvariantCulture) + " " + units[unit];
    }

    private static bool TryUnit(ReadOnlySpan<char> text, out long unit)
    {
        unit = 1;
        if (text.EndsWith("b", StringComparison.OrdinalIgnoreCase))
            text = text[..^1];
        if (text.IsEmpty)
            return true;
        var power = "kmgt".IndexOf(char.ToLowerInvariant(text[0])) + 1;
        var binary = text.Length == 2 && text[1] is 'i' or 'I';
        if (power == 0 || text.Length != (binary ? 2 : 1))
            return false;
        for (var i = 0; i < power; i++)
            unit *= binary ? 1024 : 1000;
        return true;
    }
}
