using Microsoft.Win32.SafeHandles;

namespace NetZero.Checkpoints;

/// <summary>The files of a checkpoint in a folder. Each is opened when it is first read.</summary>
/// <param name="folder">The folder.</param>
internal sealed class FolderFiles(string folder) : ICheckpointFiles
{
    private readonly Dictionary<string, SafeFileHandle> _open = new(StringComparer.Ordinal);

    public string Path => folder;

    // One block: it is compared with its checksum while it is still in the cache.
    public int RangeBytes => BlockChecksums.BlockBytes;

    public string PathOf(string file) => System.IO.Path.Combine(folder, file);

    public IReadOnlyDictionary<string, CheckpointFileEntry>? List()
    {
        var info = new DirectoryInfo(folder);

        // Folders have no length that a manifest could name, so one is always too much.
        return !info.Exists ? null : info.EnumerateFileSystemInfos().ToDictionary(
            entry => entry.Name, entry => new CheckpointFileEntry(entry is FileInfo file ? file.Length : -1, entry.LastWriteTimeUtc), StringComparer.Ordinal);
    }

    public void Read(string file, long offset, Span<byte> destination)
    {
        var handle = Open(file);
        while (!destination.IsEmpty)
        {
            var read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
                throw new EndOfStreamException($"ended at byte {offset} while it was read");
            offset += read;
            destination = destination[read..];
        }
    }

    public void Dispose()
    {
        foreach (var handle in _open.Values)
            handle.Dispose();
    }

    private SafeFileHandle Open(string file)
    {
        lock (_open)
        {
            if (!_open.TryGetValue(file, out var handle))
                _open[file] = handle = File.OpenHandle(PathOf(file), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.SequentialScan);
            return handle;
        }
    }
}
