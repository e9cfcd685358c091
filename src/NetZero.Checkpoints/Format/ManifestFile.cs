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

    /// <summary>Reads and checks the manifest of a checkpoint in a folder.</summary>
    /// <exception cref="CheckpointException">Whatever is wrong with it.</exception>
    public static CheckpointManifest Read(string folder)
    {
        using var files = new FolderFiles(folder);
        return Read(files);
    }

    /// <summary>The same of a checkpoint anywhere.</summary>
    /// <exception cref="CheckpointException">Whatever is wrong with it, or the store does not answer.</exception>
    public static CheckpointManifest Read(ICheckpointFiles files) => Read(files, List(files));

    /// <summary>Reads and checks a checkpoint's manifest, its own checksum first.</summary>
    /// <param name="files">The checkpoint.</param>
    /// <param name="there">What is there.</param>
    /// <exception cref="CheckpointException">Whatever is wrong with it, or the store does not answer.</exception>
    public static CheckpointManifest Read(ICheckpointFiles files, IReadOnlyDictionary<string, CheckpointFileEntry> there)
    {
        if (!there.TryGetValue(CheckpointManifest.FileName, out var entry))
            throw new CheckpointException(files.Path, $"has no {CheckpointManifest.FileName}: it is no checkpoint, or was never completed");
        var path = files.PathOf(CheckpointManifest.FileName);
        if (entry.Bytes is < 0 or > LongestBytes)
            throw new CheckpointException(path, $"has {entry.Bytes} bytes, expected at most {LongestBytes}");
        try
        {
            var bytes = new byte[entry.Bytes];
            files.Read(CheckpointManifest.FileName, 0, bytes);
            return Parse(path, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.Unreadable(path, e);
        }
    }

    /// <summary>What there is of a checkpoint.</summary>
    /// <exception cref="CheckpointException">There is nothing, or it cannot be read.</exception>
    public static IReadOnlyDictionary<string, CheckpointFileEntry> List(ICheckpointFiles files)
    {
        try
        {
            return files.List() ?? throw new CheckpointException(files.Path, "there is no such folder");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CheckpointException.Unreadable(files.Path, e);
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

    private static string Printable(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
