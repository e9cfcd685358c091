using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace NetZero.Testing;

/// <summary>What the bucket lists, in pages.</summary>
public sealed partial class FakeS3
{
    // Where the next page begins is nobody's business but the server's: the token is no key.
    private XElement List(string prefix, string? token, string? startAfter, string? most)
    {
        var after = token is null ? startAfter : Encoding.UTF8.GetString(FromBase64(token));
        var keys = Objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(k, after ?? "") > 0)
            .Order(StringComparer.Ordinal).ToArray();
        var page = keys.Take(Math.Min(PageEntries, most is null ? PageEntries : int.Parse(most, CultureInfo.InvariantCulture))).ToArray();
        return new XElement(
            Xml + "ListBucketResult", new XElement(Xml + "Name", Bucket), new XElement(Xml + "Prefix", prefix), Truncated(keys, page),
            new XElement(Xml + "KeyCount", page.Length),
            keys.Length > page.Length
                ? new XElement(Xml + "NextContinuationToken", Convert.ToBase64String(Encoding.UTF8.GetBytes(page[^1])))
                : null,
            page.Select(k => new XElement(
                Xml + "Contents", new XElement(Xml + "Key", k), new XElement(Xml + "Size", Objects[k].Length), new XElement(Xml + "ETag", TagOf(k)),
                new XElement(Xml + "LastModified", "2026-01-02T03:04:05.000Z"))));
    }

    // By key, and those of one key by when they were begun.
    private XElement Uploads(string prefix, string? keyMarker, string? idMarker)
    {
        var uploads = _uploads.Where(u => u.Value.Key.StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(u => u.Value.Key, StringComparer.Ordinal).ThenBy(u => u.Value.Begun).ThenBy(u => u.Key, StringComparer.Ordinal)
            .ToArray();
        if (keyMarker is { Length: > 0 })
        {
            var marked = Array.FindIndex(uploads, u => u.Value.Key == keyMarker && u.Key == idMarker);
            uploads = [.. marked >= 0 ? uploads.Skip(marked + 1) : uploads.Where(u => string.CompareOrdinal(u.Value.Key, keyMarker) > 0)];
        }

        var page = uploads.Take(PageEntries).ToArray();
        return new XElement(
            Xml + "ListMultipartUploadsResult", new XElement(Xml + "Bucket", Bucket), Truncated(uploads, page),
            uploads.Length > page.Length
                ? new object[] { new XElement(Xml + "NextKeyMarker", page[^1].Value.Key), new XElement(Xml + "NextUploadIdMarker", page[^1].Key) }
                : null,
            page.Select(u => new XElement(
                Xml + "Upload", new XElement(Xml + "Key", u.Value.Key), new XElement(Xml + "UploadId", u.Key),
                new XElement(Xml + "Initiated", u.Value.Begun.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)))));
    }

    private XElement Parts(string key, string id, int after)
    {
        var parts = Find(id, key).Parts.Where(p => p.Key > after).OrderBy(p => p.Key).ToArray();
        var page = parts.Take(PageEntries).ToArray();
        return new XElement(
            Xml + "ListPartsResult", new XElement(Xml + "Key", key), new XElement(Xml + "UploadId", id), Truncated(parts, page),
            page.Length > 0 ? new XElement(Xml + "NextPartNumberMarker", page[^1].Key) : null,
            page.Select(p => new XElement(
                Xml + "Part", new XElement(Xml + "PartNumber", p.Key), new XElement(Xml + "ETag", Tag(p.Value)),
                new XElement(Xml + "Size", p.Value.Length))));
    }

    private static XElement Truncated<T>(T[] all, T[] page) => new(Xml + "IsTruncated", all.Length > page.Length ? "true" : "false");

    private static byte[] FromBase64(string token)
    {
        try
        {
            return Convert.FromBase64String(token);
        }
        catch (FormatException)
        {
            throw new S3Error(400, "InvalidArgument");
        }
    }
}
