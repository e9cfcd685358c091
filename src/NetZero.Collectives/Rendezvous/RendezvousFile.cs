using System.Net;

namespace NetZero.Collectives;

/// <summary>A file in which rank 0 leaves the address of the coordinator, for ranks that share a folder and no port.</summary>
internal static class RendezvousFile
{
    /// <summary>Leaves an address, replacing that of an earlier job.</summary>
    /// <exception cref="RendezvousException">The file cannot be written.</exception>
    public static void Write(string path, IPEndPoint address)
    {
        try
        {
            var whole = $"{path}.{Guid.NewGuid():N}";
            File.WriteAllText(whole, address.ToString());
            File.Move(whole, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RendezvousException($"NETZERO_RENDEZVOUS_FILE '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The address that was left, or null.</summary>
    public static IPEndPoint? TryRead(string path)
    {
        try
        {
            return File.Exists(path) && IPEndPoint.TryParse(File.ReadAllText(path), out var address) ? address : null;
        }
        catch (IOException)
        {
            // It is being replaced; whoever looks, looks again.
            return null;
        }
    }
}
