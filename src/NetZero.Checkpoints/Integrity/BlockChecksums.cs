using System.Globalization;

namespace NetZero.Checkpoints;

/// <summary>The checksums of a piece's blocks, each of 1 MiB but for the last: a part of a piece is verified by reading the blocks that it touches.</summary>
internal static class BlockChecksums
{
    /// <summary>The length of every block but a piece's last.</summary>
    public const int BlockBytes = 1 << 20;

    private const int DigitsPerBlock = 8;

    /// <summary>Blocks of a piece.</summary>
    public static long Count(long pieceBytes) => (pieceBytes + BlockBytes - 1) / BlockBytes;

    /// <summary>A checksum as manifests write it: eight lower-case hexadecimal digits.</summary>
    public static string Show(uint checksum) => checksum.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>Reads one checksum.</summary>
    public static bool TryParse(ReadOnlySpan<char> digits, out uint checksum)
    {
        checksum = 0;
        return digits.Length == DigitsPerBlock && !digits.ContainsAnyExcept("0123456789abcdef")
            && uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out checksum);
    }

    /// <summary>All checksums of a piece, from one string of eight digits a block; null where it is none.</summary>
    public static uint[]? Parse(string digits, long pieceBytes)
    {
        var count = Count(pieceBytes);
        if (digits.Length != count * DigitsPerBlock)
            return null;
        var checksums = new uint[count];
        for (var i = 0; i < checksums.Length; i++)
            if (!TryParse(digits.AsSpan(i * DigitsPerBlock, DigitsPerBlock), out checksums[i]))
                return null;
        return checksums;
    }
}
