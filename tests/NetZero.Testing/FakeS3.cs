using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace NetZero.Testing;

/// <summary>What goes wrong with a request.</summary>
public enum Fault
{
    None,

    /// <summary>500 InternalError, nothing done.</summary>
    Error,

    /// <summary>503 SlowDown, nothing done.</summary>
    SlowDown,

    /// <summary>The answer breaks off after half of its bytes.</summary>
    CutOff,

    /// <summary>403 AccessDenied.</summary>
    Denied,

    /// <summary>No answer, ever; nothing done.</summary>
    Hang,

    /// <summary>Half of the answer's bytes, and then nothing more.</summary>
    Stall,

    /// <summary>The answer has a byte that is not the object's.</summary>
    Flip,

    /// <summary>An upload is completed, and the answer is 500 InternalError.</summary>
    Lost,
}

/// <summary>An S3 server of one bucket on the loopback: objects, multipart uploads with their parts, ranges, pages of listings, and faults on demand.</summary>
/// <remarks>It speaks what the REST API Reference of Amazon S3 says of these requests, signed and chunked bodies included; signatures must be there, and are not checked.</remarks>
public sealed class FakeS3 : IDisposable
{
    public const string Bucket = "bucket";

    // Small pages, so that lists have several.
    private const int PageKeys = 2;

    private static readonly XNamespace Xml = "http://s3.amazonaws.com/doc/2006-03-01/";

    private readonly HttpListener _listener;
    private readonly CancellationTokenSource _gone = new();
    private readonly ConcurrentDictionary<string, Upload> _uploads = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _tags = new(StringComparer.Ordinal);

    private long _bytesSent;

    public FakeS3()
    {
        for (var attempt = 0; ; attempt++)
        {
            // One that could not start is done for.
            _listener = new HttpListener();
            Url = $"http://127.0.0.1:{Random.Shared.Next(20000, 60000)}/";
            _listener.Prefixes.Add(Url);
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException) when (attempt < 20)
            {
                // Somebody has that port.
            }
        }

        _ = Task.Run(ServeAsync);
    }

    public string Url { get; }

    public ConcurrentDictionary<string, byte[]> Objects { get; } = new(StringComparer.Ordinal);

    public int OpenUploads => _uploads.Count;

    public int PartsOfOpenUploads => _uploads.Values.Sum(upload => upload.Parts.Count);

    /// <summary>Requests so far, such as <c>PUT key?partNumber=1</c>; those with faults included.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Bytes of objects that were asked for and sent.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Decides on each request's fault.</summary>
    public Func<string, Fault> Faults { get; set; } = _ => Fault.None;

    /// <summary>What a process needs in its environment to reach it.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["AWS_ENDPOINT_URL_S3"] = Url,
        ["AWS_ACCESS_KEY_ID"] = "key",
        ["AWS_SECRET_ACCESS_KEY"] = "secret",
        ["AWS_REGION"] = "us-east-1",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    public void Dispose()
    {
        // Without a timer of its own there is nothing else to free, and a test may end the server before the class ends the test.
        _gone.Cancel();
        _listener.Close();
    }

    private sealed record Upload(string Key, DateTime Begun)
    {
        public ConcurrentDictionary<int, byte[]> Parts { get; } = new();
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                _ = Task.Run(() => Handle(context));
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Handle(HttpListenerContext context)
    {
        try
        {
            var request = context.Request;
            var key = Uri.UnescapeDataString(request.Url!.AbsolutePath)[1..];
            key = key == Bucket ? "" : key[(Bucket.Length + 1)..];
            var query = request.QueryString;
            var part = query["partNumber"] is { } number ? $"?partNumber={number}" : "";
            var name = $"{request.HttpMethod} {key}{part}{(query.AllKeys.Contains("uploads") || query.ToString()!.Contains("uploads", StringComparison.Ordinal) ? "?uploads" : "")}";
            Requests.Enqueue(name);
            var body = Body(request);
            if (request.Headers["Authorization"]?.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal) != true)
                throw new S3Error(403, "AccessDenied");
            var fault = Faults(name);
            if (fault is Fault.Error or Fault.SlowDown or Fault.Denied)
                throw fault == Fault.Error ? new S3Error(500, "InternalError") : fault == Fault.SlowDown ? new S3Error(503, "SlowDown") : new S3Error(403, "AccessDenied");
            if (fault == Fault.Hang)
                _gone.Token.WaitHandle.WaitOne();
            else
                Answer(context, key, body, fault);
        }
        catch (S3Error e)
        {
            Send(context.Response, e.Status, new XElement("Error", new XElement("Code", e.Code), new XElement("Message", e.Code), new XElement("RequestId", "1")));
        }
        catch (Exception e) when (e is IOException or HttpListenerException or ObjectDisposedException)
        {
            // The client is gone.
        }
    }

    private void Answer(HttpListenerContext context, string key, byte[] body, Fault fault)
    {
        var (request, response, query) = (context.Request, context.Response, context.Request.QueryString);
        var uploads = request.Url!.Query.TrimStart('?').Split('&').Any(p => p is "uploads" or "uploads=");
        switch (request.HttpMethod, key.Length == 0, query["uploadId"], uploads)
        {
            case ("GET", true, null, false):
                Send(response, 200, List(query["prefix"] ?? "", query["continuation-token"]));
                break;
            case ("GET", true, null, true):
                Send(response, 200, new XElement(Xml + "ListMultipartUploadsResult", _uploads.Where(u => u.Value.Key.StartsWith(query["prefix"] ?? "", StringComparison.Ordinal)).Select(u => new XElement(
                    Xml + "Upload", new XElement(Xml + "Key", u.Value.Key), new XElement(Xml + "UploadId", u.Key),
                    new XElement(Xml + "Initiated", u.Value.Begun.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture))))));
                break;
            case ("POST", false, null, true):
                var id = Guid.NewGuid().ToString("N");
                _uploads[id] = new Upload(key, DateTime.UtcNow);
                Send(response, 200, new XElement(Xml + "InitiateMultipartUploadResult", new XElement(Xml + "Bucket", Bucket), new XElement(Xml + "Key", key), new XElement(Xml + "UploadId", id)));
                break;
            case ("PUT", false, { } upload, _):
                Find(upload).Parts[int.Parse(query["partNumber"]!, CultureInfo.InvariantCulture)] = body;
                response.Headers["ETag"] = Tag(body);
                response.Close();
                break;
            case ("GET", false, { } upload, _):
                Send(response, 200, Parts(key, upload, int.Parse(query["part-number-marker"] ?? "0", CultureInfo.InvariantCulture)));
                break;
            case ("POST", false, { } upload, _):
                Complete(upload, body);
                if (fault == Fault.Lost)
                    throw new S3Error(500, "InternalError");
                Send(response, 200, new XElement(Xml + "CompleteMultipartUploadResult", new XElement(Xml + "Key", key), new XElement(Xml + "ETag", TagOf(key))));
                break;
            case ("DELETE", false, { } upload, _):
                _uploads.TryRemove(upload, out var _);
                response.StatusCode = 204;
                response.Close();
                break;
            case ("PUT", false, null, _):
                Objects[key] = body;
                _tags.TryRemove(key, out var _);
                response.Headers["ETag"] = Tag(body);
                response.Close();
                break;
            case ("DELETE", false, null, _):
                Objects.TryRemove(key, out _);
                response.StatusCode = 204;
                response.Close();
                break;
            case ("GET", false, null, _):
                SendObject(request, response, Objects.TryGetValue(key, out var bytes) ? bytes : throw new S3Error(404, "NoSuchKey"), fault);
                break;
            default:
                throw new S3Error(501, "NotImplemented");
        }
    }

    private Upload Find(string id) => _uploads.TryGetValue(id, out var upload) ? upload : throw new S3Error(404, "NoSuchUpload");

    private void Complete(string id, byte[] body)
    {
        var upload = Find(id);
        var parts = new MemoryStream();
        var names = new MemoryStream();
        var (last, count) = (0, 0);
        foreach (var part in XDocument.Parse(Encoding.UTF8.GetString(body)).Root!.Elements())
        {
            var number = int.Parse(part.Elements().First(e => e.Name.LocalName == "PartNumber").Value, CultureInfo.InvariantCulture);
            var tag = part.Elements().First(e => e.Name.LocalName == "ETag").Value.Trim('"');
            if (number <= last || !upload.Parts.TryGetValue(number, out var bytes) || Tag(bytes).Trim('"') != tag)
                throw new S3Error(400, number <= last ? "InvalidPartOrder" : "InvalidPart");
            parts.Write(bytes);
            names.Write(MD5.HashData(bytes));
            last = number;
            count++;
        }

        Objects[upload.Key] = parts.ToArray();
        _tags[upload.Key] = $"{Tag(names.ToArray())[..^1]}-{count}\"";
        _uploads.TryRemove(id, out _);
    }

    private XElement List(string prefix, string? after)
    {
        var keys = Objects.Keys.Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(k, after ?? "") > 0).Order(StringComparer.Ordinal).ToArray();
        var page = keys.Take(PageKeys).ToArray();
        return new XElement(
            Xml + "ListBucketResult", new XElement(Xml + "IsTruncated", keys.Length > page.Length ? "true" : "false"), new XElement(Xml + "KeyCount", page.Length),
            keys.Length > page.Length ? new XElement(Xml + "NextContinuationToken", page[^1]) : null,
            page.Select(k => new XElement(Xml + "Contents", new XElement(Xml + "Key", k), new XElement(Xml + "Size", Objects[k].Length), new XElement(Xml + "ETag", TagOf(k)),
                new XElement(Xml + "LastModified", "2026-01-02T03:04:05.000Z"))));
    }

    private XElement Parts(string key, string id, int after)
    {
        var parts = Find(id).Parts.Where(p => p.Key > after).OrderBy(p => p.Key).ToArray();
        var page = parts.Take(PageKeys).ToArray();
        return new XElement(
            Xml + "ListPartsResult", new XElement(Xml + "Key", key), new XElement(Xml + "UploadId", id), new XElement(Xml + "IsTruncated", parts.Length > page.Length ? "true" : "false"),
            page.Length > 0 ? new XElement(Xml + "NextPartNumberMarker", page[^1].Key) : null,
            page.Select(p => new XElement(Xml + "Part", new XElement(Xml + "PartNumber", p.Key), new XElement(Xml + "ETag", Tag(p.Value)), new XElement(Xml + "Size", p.Value.Length))));
    }

    private void SendObject(HttpListenerRequest request, HttpListenerResponse response, byte[] bytes, Fault fault)
    {
        var part = bytes.AsMemory();
        if (request.Headers["Range"] is { } range)
        {
            var ends = range["bytes=".Length..].Split('-').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            if (ends[0] >= bytes.Length)
                throw new S3Error(416, "InvalidRange");
            part = part[ends[0]..Math.Min(ends[1] + 1, bytes.Length)];
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {ends[0]}-{ends[0] + part.Length - 1}/{bytes.Length}";
        }

        response.Headers["ETag"] = Tag(bytes);
        response.ContentLength64 = part.Length;
        if (fault == Fault.Flip)
        {
            part = part.ToArray();
            part.Span[part.Length / 2] ^= 1;
        }

        Interlocked.Add(ref _bytesSent, part.Length);
        var breaksOff = fault is Fault.CutOff or Fault.Stall;
        response.OutputStream.Write(part.Span[..(breaksOff ? part.Length / 2 : part.Length)]);
        if (fault == Fault.Stall)
        {
            response.OutputStream.Flush();
            _gone.Token.WaitHandle.WaitOne();
        }

        if (breaksOff)
            response.Abort();
        else
            response.Close();
    }

    private static void Send(HttpListenerResponse response, int status, XElement xml)
    {
        var bytes = Encoding.UTF8.GetBytes(xml.ToString());
        response.StatusCode = status;
        response.ContentType = "application/xml";
        response.ContentLength64 = bytes.Length;
        response.OutputStream.Write(bytes);
        response.Close();
    }

#pragma warning disable CA5351 // The protocol names objects so.
    // As S3 names objects: one sent in parts after the names of its parts.
    private string TagOf(string key) => _tags.GetValueOrDefault(key) ?? Tag(Objects[key]);

    private static string Tag(byte[] bytes) => $"\"{Convert.ToHexStringLower(MD5.HashData(bytes))}\"";
#pragma warning restore CA5351

    // Signed in chunks: LENGTH;chunk-signature=..., the bytes, and so on until a chunk of none.
    private static byte[] Body(HttpListenerRequest request)
    {
        using var all = new MemoryStream();
        request.InputStream.CopyTo(all);
        var bytes = all.ToArray();
        if (request.Headers["x-amz-content-sha256"]?.StartsWith("STREAMING-", StringComparison.Ordinal) != true)
            return bytes;
        using var body = new MemoryStream();
        for (var at = 0; ;)
        {
            var end = at + bytes.AsSpan(at).IndexOf("\r\n"u8);
            var line = Encoding.ASCII.GetString(bytes, at, end - at);
            var length = int.Parse(line.Split(';')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0)
                return body.ToArray();
            body.Write(bytes, end + 2, length);
            at = end + 2 + length + 2;
        }
    }

    private sealed class S3Error(int status, string code) : Exception(code)
    {
        public int Status => status;

        public string Code => Message;
    }
}
