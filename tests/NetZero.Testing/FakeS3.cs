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

    /// <summary>An upload is not completed, and the answer begins with 200 OK and turns out to be an InternalError, as the reference
    /// warns of.</summary>
    LateError,
}

/// <summary>An S3 server of one bucket on the loopback: objects, multipart uploads with their parts, ranges, pages of listings, and faults on demand.</summary>
/// <remarks>
/// It speaks what the REST API Reference of Amazon S3 says of these requests: bodies signed or in chunks, with the checksums that they
/// announce; entity tags in quotes, those of objects
/// sent in parts made of their parts'; errors with S3's codes, clocks that differ included. Signatures must be there, and are not checked.
/// </remarks>
public sealed partial class FakeS3 : IDisposable
{
    public const string Bucket = "bucket";

    private const int MostParts = 10_000;

    // What S3 lets a client's clock differ by.
    private static readonly TimeSpan LongestSkew = TimeSpan.FromMinutes(15);

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

    /// <summary>Entries of a page of a listing; S3 has at most 1,000.</summary>
    public int PageEntries { get; init; } = 1000;

    /// <summary>The least bytes of a part that is not the last.</summary>
    public long LeastPartBytes { get; init; } = 5 << 20;

    /// <summary>How far the server's clock is ahead of everybody's.</summary>
    public TimeSpan ClockAhead { get; set; }

    /// <summary>Ends all uploads that are under way, as a rule of a bucket's life cycle does.</summary>
    public void AbortUploads() => _uploads.Clear();

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
            context.Response.Headers["Date"] = Now.ToString("R", CultureInfo.InvariantCulture);
            context.Response.Headers["x-amz-request-id"] = "1";
            var path = Uri.UnescapeDataString(request.Url!.AbsolutePath)[1..].Split('/', 2);
            var key = path is [_, var rest] ? rest : "";
            var query = request.QueryString;
            var part = query["partNumber"] is { } number ? $"?partNumber={number}" : "";
            var name = $"{request.HttpMethod} {key}{part}{(query.AllKeys.Contains("uploads") || query.ToString()!.Contains("uploads", StringComparison.Ordinal) ? "?uploads" : "")}";
            Requests.Enqueue(name);
            var body = FakeS3Body.Read(request);
            if (request.Headers["Authorization"]?.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal) != true)
                throw new S3Error(403, "AccessDenied");
            CheckClock(request);
            if (path[0] != Bucket)
                throw new S3Error(404, "NoSuchBucket");
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
            Send(context.Response, e.Status, ToXml(e));
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
                Send(response, 200, List(query["prefix"] ?? "", query["continuation-token"], query["start-after"], query["max-keys"]));
                break;
            case ("GET", true, null, true):
                Send(response, 200, Uploads(query["prefix"] ?? "", query["key-marker"], query["upload-id-marker"]));
                break;
            case ("POST", false, null, true):
                var id = Guid.NewGuid().ToString("N");
                _uploads[id] = new Upload(key, Now);
                Send(response, 200, new XElement(Xml + "InitiateMultipartUploadResult", new XElement(Xml + "Bucket", Bucket), new XElement(Xml + "Key", key), new XElement(Xml + "UploadId", id)));
                break;
            case ("PUT", false, { } upload, _):
                var part = int.Parse(query["partNumber"]!, CultureInfo.InvariantCulture);
                Find(upload, key).Parts[part is > 0 and <= MostParts ? part : throw new S3Error(400, "InvalidArgument")] = body;
                response.Headers["ETag"] = Tag(body);
                response.Close();
                break;
            case ("GET", false, { } upload, _):
                Send(response, 200, Parts(key, upload, int.Parse(query["part-number-marker"] ?? "0", CultureInfo.InvariantCulture)));
                break;
            case ("POST", false, { } upload, _):
                if (fault == Fault.LateError)
                {
                    Send(response, 200, ToXml(new S3Error(500, "InternalError")));
                    break;
                }

                Complete(key, upload, body);
                if (fault == Fault.Lost)
                    throw new S3Error(500, "InternalError");
                Send(response, 200, new XElement(Xml + "CompleteMultipartUploadResult", new XElement(Xml + "Key", key), new XElement(Xml + "ETag", TagOf(key))));
                break;
            case ("DELETE", false, { } upload, _):
                Find(upload, key);
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
                var bytes = Objects.TryGetValue(key, out var found) ? found : throw new S3Error(404, "NoSuchKey");
                SendObject(request, response, key, bytes, fault);
                break;
            default:
                throw new S3Error(501, "NotImplemented");
        }
    }

    private DateTime Now => DateTime.UtcNow + ClockAhead;

    private void CheckClock(HttpListenerRequest request)
    {
        var sent = DateTime.ParseExact(
            request.Headers["x-amz-date"] ?? "", "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
        if ((Now - sent).Duration() > LongestSkew)
            throw new S3Error(403, "RequestTimeTooSkewed");
    }

    // An upload that was completed or aborted, or that is of another key, is none.
    private Upload Find(string id, string key) =>
        _uploads.TryGetValue(id, out var upload) && upload.Key == key ? upload : throw new S3Error(404, "NoSuchUpload");

    private void Complete(string key, string id, byte[] body)
    {
        var upload = Find(id, key);
        var parts = new MemoryStream();
        var names = new MemoryStream();
        var (last, count, lastBytes) = (0, 0, 0L);
        foreach (var part in XDocument.Parse(Encoding.UTF8.GetString(body)).Root!.Elements())
        {
            var number = int.Parse(part.Elements().First(e => e.Name.LocalName == "PartNumber").Value, CultureInfo.InvariantCulture);
            var tag = part.Elements().First(e => e.Name.LocalName == "ETag").Value.Trim('"');
            if (number <= last || !upload.Parts.TryGetValue(number, out var bytes) || Tag(bytes).Trim('"') != tag)
                throw new S3Error(400, number <= last ? "InvalidPartOrder" : "InvalidPart");
            if (number > 1 && lastBytes < LeastPartBytes)
                throw new S3Error(400, "EntityTooSmall");
            parts.Write(bytes);
            names.Write(MD5.HashData(bytes));
            (last, lastBytes) = (number, bytes.Length);
            count++;
        }

        if (count == 0)
            throw new S3Error(400, "MalformedXML");
        Objects[upload.Key] = parts.ToArray();
        _tags[upload.Key] = $"{Tag(names.ToArray())[..^1]}-{count}\"";
        _uploads.TryRemove(id, out _);
    }

    private XElement ToXml(S3Error e) => new(
        "Error", new XElement("Code", e.Code), new XElement("Message", e.Code), new XElement("RequestId", "1"),
        e.Code == "RequestTimeTooSkewed"
            ? new XElement("ServerTime", Now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))
            : null);

    private void SendObject(HttpListenerRequest request, HttpListenerResponse response, string key, byte[] bytes, Fault fault)
    {
        var part = bytes.AsMemory();
        if (request.Headers["Range"] is { } range)
        {
            // From a byte to another, from a byte on, or as many as the last.
            var ends = range["bytes=".Length..].Split('-')
                .Select(n => n.Length == 0 ? (int?)null : int.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            var first = ends[0] ?? Math.Max(0, bytes.Length - ends[1]!.Value);
            var end = ends[0] is null || ends[1] is null ? bytes.Length : (int)Math.Min(ends[1]!.Value + 1L, bytes.Length);
            if (first >= bytes.Length)
                throw new S3Error(416, "InvalidRange");
            part = part[first..end];
            response.StatusCode = 206;
            response.Headers["Content-Range"] = $"bytes {first}-{end - 1}/{bytes.Length}";
        }

        response.Headers["Accept-Ranges"] = "bytes";
        response.Headers["ETag"] = TagOf(key);
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
}

/// <summary>What S3 refuses a request with.</summary>
/// <param name="status">The status of the answer.</param>
/// <param name="code">S3's code.</param>
internal sealed class S3Error(int status, string code) : Exception(code)
{
    public int Status => status;

    public string Code => Message;
}
