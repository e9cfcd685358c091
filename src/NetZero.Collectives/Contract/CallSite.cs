namespace NetZero.Collectives;

/// <summary>Where a call stands in the program, as the compiler knows it.</summary>
/// <param name="File">The source file; of its path only the last part is ever shown.</param>
/// <param name="Line">The line.</param>
public readonly record struct CallSite(string File, int Line)
{
    /// <summary>The file without its folders, whichever system the program was compiled on.</summary>
    public ReadOnlySpan<char> FileName => File is null ? default : File.AsSpan(File.AsSpan().LastIndexOfAny('/', '\\') + 1);

    /// <summary>Such as <c>UnitGather.cs:40</c>.</summary>
    public override string ToString() => $"{FileName}:{Line}";
}
