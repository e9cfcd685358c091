namespace NetZero.Tensors.Tests;

public class CacheSizesTests
{
    [Fact]
    public void Level2_OfThisMachine_IsASizeThatSuchCachesHave() => Assert.InRange(CacheSizes.Level2Bytes, 64 << 10, 256 << 20);

    [Fact]
    public void FromSystem_FolderOfLinux_GivesTheSecondLevel()
    {
        var folder = Directory.CreateTempSubdirectory("netzero-caches");
        try
        {
            Describe(folder, "index0", "1", "Data", "64K");
            Describe(folder, "index1", "1", "Instruction", "64K");
            Assert.Equal(CacheSizes.DefaultLevel2Bytes, CacheSizes.FromSystem(folder.FullName));
            Describe(folder, "index2", "2", "Unified", "2048K");
            Assert.Equal(2 << 20, CacheSizes.FromSystem(folder.FullName));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Fact]
    public void FromSystem_NothingThere_GivesTheDefault() =>
        Assert.Equal(CacheSizes.DefaultLevel2Bytes, CacheSizes.FromSystem(Path.Combine(Path.GetTempPath(), "netzero-no-such-folder")));

    private static void Describe(DirectoryInfo folder, string name, string level, string type, string size)
    {
        var cache = folder.CreateSubdirectory(name);
        File.WriteAllText(Path.Combine(cache.FullName, "level"), level + "\n");
        File.WriteAllText(Path.Combine(cache.FullName, "type"), type + "\n");
        File.WriteAllText(Path.Combine(cache.FullName, "size"), size + "\n");
    }
}
