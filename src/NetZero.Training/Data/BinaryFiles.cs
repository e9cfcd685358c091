namespace NetZero.Training;

/// <summary>Tells text from other files the way Git does: text has no zero byte near its start.</summary>
internal static class BinaryFiles
{
    // Git looks at the first 8,000 bytes.
    private const int LookAtBytes = 8000;

    public static bool IsBinary(FileInfo file)
    {
        Span<byte> start = stackalloc byte[LookAtBytes];
        using var handle = File.OpenHandle(file.FullName);
        return start[..RandomAccess.Read(handle, start, 0)].Contains((byte)0);
    }
}
