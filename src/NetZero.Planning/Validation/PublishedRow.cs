using System.Globalization;

namespace NetZero.Planning;

/// <summary>What a memory figure counts.</summary>
public enum MemoryCounter
{
    /// <summary>Not stated.</summary>
    Unknown,

    /// <summary>Bytes of tensors, allocated or still in use by a stream ("active").</summary>
    Allocated,

    /// <summary>Bytes that the allocator holds.</summary>
    Reserved,
}

/// <summary>One published measurement: a row of a table with the columns of <c>docs/planner.md</c>. Numbers that are not given are 0.</summary>
public sealed record PublishedRow
{
    private static readonly string[] Missing = ["-", "--", "?", "n/a", "na", "nan", "none", "null", "unknown", "not stated", "not given"];

    private readonly Func<string, string> _field;

    private PublishedRow(Func<string, string> field) => _field = field;

    /// <summary>The row's name.</summary>
    public string Id => _field("id");

    /// <summary>The row's source: its name without the running number.</summary>
    public string SourceName => Id.LastIndexOf('-') is > 0 and var dash ? Id[..dash] : Id;

    /// <summary>Where it was published.</summary>
    public string Source => _field("source");

    /// <summary>The model's name.</summary>
    public string Model => _field("model");

    /// <summary>The device's name.</summary>
    public string Device => _field("device");

    /// <summary>How devices are connected.</summary>
    public string Interconnect => _field("interconnect");

    /// <summary>The dtype of the products, and remarks.</summary>
    public string Precision => _field("precision");

    /// <summary>How states and work are divided, and remarks.</summary>
    public string Strategy => _field("strategy");

    /// <summary>What is computed again, and remarks.</summary>
    public string Recomputation => _field("act_ckpt");

    /// <summary>Compiled or eager.</summary>
    public string Compilation => _field("compile");

    /// <summary>Remarks.</summary>
    public string Notes => _field("notes");

    /// <summary>Whether the figures were read again and are free of contradictions: rows that were recalled or are known to be wrong are predicted but not scored.</summary>
    public bool IsScored => !Notes.Contains("recalled", StringComparison.OrdinalIgnoreCase) && !Notes.Contains("from memory", StringComparison.OrdinalIgnoreCase)
        && !Notes.Contains("suspect", StringComparison.OrdinalIgnoreCase) && !Notes.Contains("inconsistent", StringComparison.OrdinalIgnoreCase)
        && !Notes.Contains("contradicts", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the time is the host's: the publisher says that the devices waited for launches.</summary>
    public bool IsTimeScored => IsScored && !Notes.Contains("not time", StringComparison.OrdinalIgnoreCase);

    /// <summary>What the memory figure counts, by the row's own remarks, else by its source.</summary>
    public MemoryCounter Counter
    {
        get
        {
            if (Contains("is RESERVED") || Contains("max reserved") || Contains("memory reserved") || Contains("logs reserved"))
                return MemoryCounter.Reserved;
            if (Contains("ALLOCATED") || Contains("is ACTIVE") || Contains("peak ACTIVE"))
                return MemoryCounter.Allocated;
            return SourceName switch
            {
                "titan-h100" or "titan-h200" or "torchao" => MemoryCounter.Reserved,
                "titan-pr165" or "torchtune" or "mega-gold" or "nanobench" or "atorch" => MemoryCounter.Allocated,
                _ => MemoryCounter.Unknown,
            };
            bool Contains(string what) => Notes.Contains(what, StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>Reads a table of rows.</summary>
    /// <exception cref="ArgumentException">Text that is no table, or one without the column <c>id</c>.</exception>
    public static IReadOnlyList<PublishedRow> ReadAll(string text, string where)
    {
        var table = CsvTable.Parse(text, where);
        return table.Has("id")
            ? [.. table.Rows.Select(row => new PublishedRow(column => table.Field(row, column)))]
            : throw new ArgumentException($"{where}: no column 'id'; expected the columns that docs/planner.md lists");
    }

    /// <summary>A number of a column, 0 where there is none: an empty field, or a word for that. Thousands may be set apart, and a sign for "about" may come first.</summary>
    /// <exception cref="ArgumentException">Text that is no number.</exception>
    public double Number(string column)
    {
        var text = _field(column);
        if (text.Length == 0 || Missing.Contains(text, StringComparer.OrdinalIgnoreCase))
            return 0;
        var digits = text.TrimStart('~', '≈', ' ').TrimEnd('%', ' ');
        return double.TryParse(digits, NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var value)
            && double.IsFinite(value) && value >= 0
            ? value
            : throw new ArgumentException($"{column} is '{text}'; expected a number of at least 0");
    }

    /// <summary>A figure that predictions are compared with: 0 where there is none, or none that can be read, which is no reason not to predict.</summary>
    public double Measured(string column)
    {
        try
        {
            return Number(column);
        }
        catch (ArgumentException)
        {
            return 0;
        }
    }

    /// <summary>A whole number of a column, 0 where there is none.</summary>
    /// <exception cref="ArgumentException">Text that is no whole number.</exception>
    public int Count(string column)
    {
        var value = Number(column);
        return value == Math.Truncate(value) && value <= int.MaxValue
            ? (int)value
            : throw new ArgumentException($"{column} is {value}; expected a whole number");
    }
}
