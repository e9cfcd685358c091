using System.Text;
using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary><c>checkpoint.json</c> as bytes: the manifest's object, whose last member is the checksum of every byte before its eight digits.</summary>
internal static class ManifestFile
{
    // 16 bytes a megabyte of state: a manifest of this length describes a state of tens of terabytes.
    private const long LongestBytes = 1L << 30;

    private static readonly byte[] BeforeChecksum = ",\"checksum\":\""u8.ToArray();
    private static readonly byte[] AfterChecksum = "\"}\n"u8.ToArray();

    /// <summary>The file's bytes.</summary>
    public static byte[] Write(CheckpointManifest manifest)
    {
        // Without the closing brace, behind which the checksum follows as the last member.
        var json = JsonSerializer.SerializeToUtf8Bytes(manifest, CheckpointJson.Default.CheckpointManifest).AsSpan()[..^1];
        byte[] body = [.. json, .. BeforeChecksum];
        return [.. body, .. Encoding.ASCII.GetBytes(BlockChecksums.Show(Crc32C.Of(body))), .. AfterChecksum];
    }

    /// <summary>Reads and checks a checkpoint's manifest, its own checksum first.</summary>
    /// <param name="folder">The checkpoint.</param>
    /// <exception cref="CheckpointException">Whatever is wrong with it.</exception>
    public static CheckpointManifest Read(string folder)
    {
        var path = Path.Combine(folder, CheckpointManifest.FileName);
        try
        {
            var bytes = ReadBytes(path);
            return Parse(path, bytes);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException(folder, Directory.Exists(folder) ? $"has no {CheckpointManifest.FileName}: it is no checkpoint, or was never completed" : "there is no such folder", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(path, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Checks and parses a manifest's bytes.</summary>
    /// <exception cref="CheckpointException">Whatever is wrong with them.</exception>
    public static CheckpointManifest Parse(string path, ReadOnlySpan<byte> bytes)
    {
        var end = bytes.Length - AfterChecksum.Length - 8;
        if (end < BeforeChecksum.Length || !bytes.EndsWith(AfterChecksum) || !bytes[..end].EndsWith(BeforeChecksum))
            throw new CheckpointException(path, $"does not end with its checksum: the file of {bytes.Length} bytes is truncated or damaged");
        var digits = Encoding.Latin1.GetString(bytes.Slice(end, 8));
        var found = Crc32C.Of(bytes[..end]);
        if (!BlockChecksums.TryParse(digits, out var expected) || found != expected)
            throw new CheckpointException(path, $"has checksum {BlockChecksums.Show(found)}, expected '{Printable(digits)}': it is damaged");
        byte[] json = [.. bytes[..(end - BeforeChecksum.Length)], (byte)'}'];
        CheckVersion(path, json);
        try
        {
            var manifest = JsonSerializer.Deserialize(json, CheckpointJson.Default.CheckpointManifest)
                ?? throw new CheckpointException(path, "is not a JSON object");
            ManifestChecks.Check(path, manifest);
            return manifest;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(path, $"is not a manifest: {e.Message}", e);
        }
    }

    // Before anything else is read: a newer version may have other members.
    private static void CheckVersion(string path, byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("format", out var format) || !format.ValueEquals(CheckpointManifest.FormatName))
                throw new CheckpointException(path, $"is not a manifest of format '{CheckpointManifest.FormatName}'");
            var version = root.TryGetProperty("version", out var v) && v.TryGetInt32(out var number) ? number : 0;
            if (version > CheckpointManifest.CurrentVersion)
            {
                throw new CheckpointException(
                    path, $"has version {version} of the format, this library reads versions up to {CheckpointManifest.CurrentVersion}; use a newer one")
                {
                    IsDamage = false,
                };
            }
            if (version < 1)
                throw new CheckpointException(path, "has no version of the format, expected a number from 1");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CheckpointException(path, $"is not valid JSON: {e.Message}", e);
        }
    }

    private static byte[] ReadBytes(string path)
    {
        using var handle = File.OpenHandle(path);
        var length = RandomAccess.GetLength(handle);
        if (length > LongestBytes)
            throw new CheckpointException(path, $"has {length} bytes, expected at most {LongestBytes}");
        var bytes = new byte[length];
        for (var done = 0; done < bytes.Length;)
        {
            var read = RandomAccess.Read(handle, bytes.AsSpan(done), done);
            if (read == 0)
                throw new CheckpointException(path, "became shorter while it was read");
            done += read;
        }
        return bytes;
    }

    private static string Printable(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
