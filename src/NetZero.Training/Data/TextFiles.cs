using System.IO.Enumeration;

namespace NetZero.Training;

/// <summary>The files that a list of files, folders and glob patterns stands for, in an order that depends on their names alone.</summary>
/// <remarks>
/// <para>A folder stands for all text files below it. A pattern may hold <c>*</c> and <c>?</c> within a name and <c>**</c> for any number of
/// folders. The files of one entry are sorted by their path from the entry, compared ordinally with / between names; entries keep their
/// order; a file that several entries name counts once.</para>
/// <para>Below a folder or a wildcard these are passed over: names that begin with a dot, the folders <c>bin</c>, <c>obj</c> and
/// <c>node_modules</c>, folders that hold the output of a run, links to folders, and binary files. A file that is named in full is taken
/// whatever it holds.</para>
/// </remarks>
public sealed class TextFiles
{
    private static readonly string[] BuildFolders = ["bin", "obj", "node_modules"];

    private readonly List<TextFile> _files = [];
    private readonly List<SkippedPath> _skipped = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    private TextFiles()
    {
    }

    /// <summary>The files, in the order in which they are read.</summary>
    public IReadOnlyList<TextFile> Files => _files;

    /// <summary>What was passed over, and why.</summary>
    public IReadOnlyList<SkippedPath> Skipped => _skipped;

    /// <summary>Looks at the file system.</summary>
    /// <param name="entries">Files, folders, patterns; relative ones start at the working directory.</param>
    /// <param name="key">The configuration's key, for messages.</param>
    /// <exception cref="ConfigurationException">An entry stands for no file, or something cannot be read.</exception>
    public static TextFiles Find(IReadOnlyList<string> entries, string key)
    {
        var found = new TextFiles();
        foreach (var entry in entries)
        {
            try
            {
                found.AddEntry(entry, key);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new ConfigurationException($"'{key}': '{entry}' cannot be read: {e.Message}", e);
            }
        }
        return found;
    }

    /// <summary>The files that are one rank's own: the rank-th and every ranks-th after it.</summary>
    public TextFiles Of(int rank, int ranks)
    {
        var own = new TextFiles();
        own._files.AddRange(_files.Where((_, i) => i % ranks == rank));
        return own;
    }

    private void AddEntry(string entry, string key)
    {
        var full = Path.GetFullPath(entry);
        if (File.Exists(full))
        {
            AddFile(new FileInfo(full), named: true);
            return;
        }
        var matches = new SortedDictionary<string, FileInfo>(StringComparer.Ordinal);
        if (Directory.Exists(full))
        {
            Collect(new DirectoryInfo(full), ["**"], "", matches);
        }
        else
        {
            var segments = entry.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries);
            var literal = segments.TakeWhile(segment => !IsWild(segment)).Count();
            if (literal == segments.Length)
                throw new ConfigurationException($"'{key}': '{entry}' not found (looked for {full})");
            var root = Path.GetFullPath(Path.Combine([Path.GetPathRoot(entry) is { Length: > 0 } top ? top : ".", .. segments[..literal]]));
            if (Directory.Exists(root))
                Collect(new DirectoryInfo(root), segments[literal..], "", matches);
            if (matches.Count == 0)
                throw new ConfigurationException($"'{key}': the pattern '{entry}' matches no file (looked in {root})");
        }
        foreach (var file in matches.Values)
            AddFile(file, named: false);
    }

    private void Collect(DirectoryInfo folder, ReadOnlySpan<string> pattern, string prefix, SortedDictionary<string, FileInfo> matches)
    {
        var name = pattern[0];
        var rest = pattern[1..];
        var anyDepth = name == "**";
        if (anyDepth && rest.Length > 0)
            Collect(folder, rest, prefix, matches);
        foreach (var item in folder.EnumerateFileSystemInfos())
        {
            var path = prefix + item.Name;
            if (item is DirectoryInfo below)
            {
                var descend = anyDepth ? pattern : rest;
                if (descend.Length > 0 && (anyDepth || Matches(name, item.Name)) && (name == item.Name || !Skip(below)))
                    Collect(below, descend, path + "/", matches);
            }
            else if (rest.Length == 0 && (anyDepth || Matches(name, item.Name)) && (name == item.Name || !SkipHidden(item)))
            {
                matches.TryAdd(path, (FileInfo)item);
            }
        }
    }

    private void AddFile(FileInfo file, bool named)
    {
        if (!_seen.Add(file.FullName))
            return;
        if (!named && BinaryFiles.IsBinary(file))
            _skipped.Add(new SkippedPath(file.FullName, "binary"));
        else if (file.Length > 0)
            _files.Add(new TextFile(file.FullName, file.Length));
    }

    private bool Skip(DirectoryInfo folder)
    {
        if (SkipHidden(folder))
            return true;
        var reason = BuildFolders.Contains(folder.Name, StringComparer.OrdinalIgnoreCase) ? "build output"
            : folder.LinkTarget is not null ? "link to a folder"
            : RunFolder.HoldsRun(folder.FullName) ? "output of a run"
            : null;
        if (reason is null)
            return false;
        AddSkipped(folder, reason);
        return true;
    }

    private bool SkipHidden(FileSystemInfo item)
    {
        if (!item.Name.StartsWith('.'))
            return false;
        AddSkipped(item, "hidden");
        return true;
    }

    private void AddSkipped(FileSystemInfo item, string reason)
    {
        if (_seen.Add(item.FullName))
            _skipped.Add(new SkippedPath(item.FullName, reason));
    }

    private static bool IsWild(string segment) => segment.AsSpan().ContainsAny('*', '?');

    private static bool Matches(string pattern, string name) =>
        FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: OperatingSystem.IsWindows());
}

/// <summary>A file to read.</summary>
/// <param name="Path">The full path.</param>
/// <param name="LengthBytes">Its length when it was found, more than 0.</param>
public readonly record struct TextFile(string Path, long LengthBytes);

/// <summary>A file or folder that was passed over.</summary>
/// <param name="Path">The full path.</param>
/// <param name="Reason">Why, in a word or two.</param>
public readonly record struct SkippedPath(string Path, string Reason);
