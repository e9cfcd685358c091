using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace NetZero.Testing;

/// <summary>The body of a request to S3, as it was before it was signed in chunks, and compared with what its headers and trailers say of
/// it.</summary>
internal static class FakeS3Body
{
    private const string Sha256Header = "x-amz-content-sha256";
    private const string ChecksumPrefix = "x-amz-checksum-";

    /// <summary>Reads it.</summary>
    /// <exception cref="S3Error">It is not what was announced.</exception>
    public static byte[] Read(HttpListenerRequest request)
    {
        using var all = new MemoryStream();
        request.InputStream.CopyTo(all);
        var (body, sums) = (all.ToArray(), Checksums(request));
        var hash = request.Headers[Sha256Header] ?? "";
        if (hash.StartsWith("STREAMING-", StringComparison.Ordinal))
            body = Unchunk(body, sums);
        else if (hash.Length == 64 && hash != Convert.ToHexStringLower(SHA256.HashData(body)))
            throw new S3Error(400, "XAmzContentSHA256Mismatch");
        if (request.Headers["x-amz-decoded-content-length"] is { } length && length != body.Length.ToString(CultureInfo.InvariantCulture))
            throw new S3Error(400, "IncompleteBody");
        if (sums.Any(sum => Sum(sum.Key, body) is { } found && found != sum.Value))
            throw new S3Error(400, "BadDigest");
        return body;
    }

    private static Dictionary<string, string> Checksums(HttpListenerRequest request)
    {
        var sums = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in request.Headers.AllKeys)
        {
            if (name?.StartsWith(ChecksumPrefix, StringComparison.OrdinalIgnoreCase) == true
                || string.Equals(name, "Content-MD5", StringComparison.OrdinalIgnoreCase))
                sums[name!] = request.Headers[name]!;
        }

        return sums;
    }

    // LENGTH;chunk-signature=..., the bytes, and so on until a chunk of none; then trailers, NAME:VALUE each.
    private static byte[] Unchunk(byte[] bytes, Dictionary<string, string> sums)
    {
        using var body = new MemoryStream();
        for (var at = 0; ;)
        {
            var line = Line(bytes, ref at);
            var length = int.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0)
            {
                while (at < bytes.Length && Line(bytes, ref at) is { Length: > 0 } trailer)
                    sums[trailer.Split(':')[0]] = trailer[(trailer.IndexOf(':', StringComparison.Ordinal) + 1)..];
                return body.ToArray();
            }

            if (at + length + 2 > bytes.Length)
                throw new S3Error(400, "IncompleteBody");
            body.Write(bytes, at, length);
            at += length + 2;
        }
    }

    private static string Line(byte[] bytes, ref int at)
    {
        var end = bytes.AsSpan(at).IndexOf("\r\n"u8);
        var line = Encoding.ASCII.GetString(bytes, at, end < 0 ? bytes.Length - at : end);
        at = end < 0 ? bytes.Length : at + end + 2;
        return line;
    }

    // Null for what is no checksum of the body, such as the name of the algorithm or a signature.
#pragma warning disable CA5350, CA5351 // The protocol has these.
    private static string? Sum(string name, byte[] body) => name.ToUpperInvariant() switch
    {
        "CONTENT-MD5" => Convert.ToBase64String(MD5.HashData(body)),
        "X-AMZ-CHECKSUM-SHA1" => Convert.ToBase64String(SHA1.HashData(body)),
        "X-AMZ-CHECKSUM-SHA256" => Convert.ToBase64String(SHA256.HashData(body)),
        "X-AMZ-CHECKSUM-CRC32" => BigEndian(Crc32(body, 0xEDB88320)),
        "X-AMZ-CHECKSUM-CRC32C" => BigEndian(Crc32(body, 0x82F63B78)),
        _ => null,
    };
#pragma warning restore CA5350, CA5351

    private static string BigEndian(uint sum)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, sum);
        return Convert.ToBase64String(bytes);
    }

    private static uint Crc32(byte[] body, uint polynomial)
    {
        var crc = ~0u;
        foreach (var b in body)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * polynomial);
        }

        return ~crc;
    }
}
