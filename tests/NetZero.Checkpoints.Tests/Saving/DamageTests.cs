using System.Text;

namespace NetZero.Checkpoints.Tests.Saving;

/// <summary>Whatever happens to a checkpoint's bytes is found before anything is trained from them, and named.</summary>
public sealed class DamageTests : IDisposable
{
    private static readonly StateWorld World = new(2, 3);

    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointFolder _checkpoints;

    public DamageTests()
    {
        _checkpoints = new CheckpointFolder(_folder["checkpoints"]);
        World.Save(_checkpoints, 5);
    }

    private string Manifest => At("checkpoint.json");

    private string First => At("rank-00000.safetensors");

    private string Second => At("rank-00001.safetensors");

    public void Dispose() => _folder.Dispose();

    private string At(string name) => Path.Combine(_checkpoints.Of(5), name);

    private string Damage(string? checkpoint = null)
    {
        var error = Assert.Throws<CheckpointException>(() => World.LoadAndCompare(checkpoint ?? _checkpoints.Of(5)));
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    // What verifying finds: at once where the checkpoint cannot be opened, else piece by piece.
    private List<string> Verify()
    {
        var found = new List<string>();
        try
        {
            using var reader = CheckpointReader.Open(_checkpoints.Of(5));
            reader.Verify(found.Add);
        }
        catch (CheckpointException e)
        {
            found.Add(e.Message);
        }
        return found;
    }

    [Fact]
    public void ASoundCheckpoint_Verifies() => Assert.Empty(Verify());

    [Fact]
    public void AFlippedBit_AnywhereInAnyFile_IsFound()
    {
        // Every byte of the manifest, steps of 23 through the headers and of 501 through the elements, each step at another bit.
        foreach (var path in (string[])[Manifest, First, Second])
        {
            var bytes = File.ReadAllBytes(path);
            var header = path == Manifest ? bytes.Length : 8 + (int)BitConverter.ToInt64(bytes);
            for (var i = 0; i < bytes.Length; i += path == Manifest ? 1 : i < header ? 23 : 501)
            {
                var flipped = (byte[])bytes.Clone();
                flipped[i] ^= (byte)(1 << (i % 8));
                if (path == Manifest)
                    Assert.Throws<CheckpointException>(() => ManifestFile.Parse(path, flipped));
                else if (i < header)
                    AssertHeaderIsRefused(path, flipped);
                else
                    AssertFound(path, flipped);
            }
            File.WriteAllBytes(path, bytes);
        }
        Assert.Empty(Verify());
    }

    private void AssertHeaderIsRefused(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        var manifest = ManifestFile.Read(_checkpoints.Of(5));
        Assert.Contains("header", Assert.Throws<CheckpointException>(() => VerifiedFile.Open(
            _checkpoints.Files(5), manifest.Files.First(f => f.Name == Path.GetFileName(path)))).Message, StringComparison.Ordinal);
    }

    private void AssertFound(string path, byte[] bytes)
    {
        File.WriteAllBytes(path, bytes);
        var line = Assert.Single(Verify());
        Assert.StartsWith($"{path}: tensor '", line, StringComparison.Ordinal);
        Assert.Contains(", elements ", line, StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedPiece_IsNamedByEveryRank_WithFileTensorAndElements()
    {
        var bytes = File.ReadAllBytes(Second);
        bytes[^1] ^= 1;
        File.WriteAllBytes(Second, bytes);

        using (var reader = CheckpointReader.Open(_checkpoints.Of(5)))
        {
            var last = reader.Manifest.Tensors.SelectMany(t => t.Pieces.Select(p => (t, p))).Single(x => x.p.Key == SafetensorsFile.Open(Second).Tensors[^1].Name);
            Assert.StartsWith(
                $"{Second}: tensor '{last.t.Name}', elements {last.p.First} to {last.p.First + last.p.Elements}: checksum ", Damage(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(500)]
    [InlineData(-1)]
    public void ATruncatedFile_IsFound(int length)
    {
        foreach (var path in (string[])[First, Manifest])
        {
            var bytes = File.ReadAllBytes(path);
            File.WriteAllBytes(path, bytes[..(length < 0 ? bytes.Length + length : Math.Min(length, bytes.Length))]);
            Assert.StartsWith(path, Damage(), StringComparison.Ordinal);
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void AFileThatGrew_IsFound()
    {
        File.AppendAllText(First, " ");
        Assert.Contains("rank-00000.safetensors: has ", Damage(), StringComparison.Ordinal);
    }

    [Fact]
    public void FilesSwappedBetweenRanks_AreFound()
    {
        File.Move(First, First + "x");
        File.Move(Second, First);
        File.Move(First + "x", Second);
        Assert.Contains("rank-0000", Damage(), StringComparison.Ordinal);
    }

    [Fact]
    public void AFileOfAnotherSave_IsFound()
    {
        var other = new CheckpointFolder(_folder["other"]);
        World.Run(
            (_, module, optimizer) =>
            {
                foreach (var slice in module.Slices())
                    slice.Values.CopyFrom<float>(Enumerable.Repeat(2f, (int)slice.Values.Elements).ToArray());
                using var saver = new CheckpointSaver(other, module, optimizer, new SaverOptions());
                return saver.Save(new CheckpointManifest { Step = 5 });
            },
            filled: true);
        File.Copy(Path.Combine(other.Of(5), "rank-00001.safetensors"), Second, overwrite: true);
        Assert.StartsWith($"{Second}: tensor '", Damage(), StringComparison.Ordinal);
    }

    [Fact]
    public void MissingAndExtraFiles_AreFound()
    {
        File.WriteAllText(At("more.safetensors"), "x");
        Assert.EndsWith("holds more.safetensors, which does not belong to it", Damage(), StringComparison.Ordinal);
        File.Delete(At("more.safetensors"));
        File.Delete(Second);
        Assert.EndsWith("the file rank-00001.safetensors is missing", Damage(), StringComparison.Ordinal);
        File.Delete(Manifest);
        Assert.EndsWith("has no checkpoint.json: it is no checkpoint, or was never completed", Damage(), StringComparison.Ordinal);
        Assert.EndsWith("there is no such folder", Damage(_checkpoints.Of(6)), StringComparison.Ordinal);
    }

    [Fact]
    public void ANewerVersion_IsNamed_AndIsNoDamage()
    {
        var manifest = ManifestFile.Read(_checkpoints.Of(5));
        File.WriteAllBytes(Manifest, ManifestFile.Write(manifest with { Version = 2 }));
        var error = Assert.Throws<CheckpointException>(() => CheckpointReader.Open(_checkpoints.Of(5)));
        Assert.Contains("has version 2 of the format, this library reads versions up to 1", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsDamage);
    }

    [Fact]
    public void AnotherModel_OrAnotherOptimizer_IsNamed_AndIsNoDamage()
    {
        var wider = World with { Gpt2 = StateWorld.Model with { VocabularySize = 38 } };
        var error = Assert.Throws<CheckpointException>(() => wider.LoadAndCompare(_checkpoints.Of(5)));
        Assert.Contains("tensor 'wte.weight' is a parameter [37, 9] of F32, this run has a parameter [38, 9] of F32", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsDamage);

        var shallower = World with { Gpt2 = StateWorld.Model with { LayerCount = 1 } };
        error = Assert.Throws<CheckpointException>(() => shallower.LoadAndCompare(_checkpoints.Of(5)));
        Assert.Contains("which this run has not", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsDamage);
    }

    [Fact]
    public void ManifestsThatLie_AreRefused_ThoughTheirChecksumsHold()
    {
        var sound = ManifestFile.Read(_checkpoints.Of(5));
        var tensor = sound.Tensors[0];
        Refused(sound with { Files = [sound.Files[0] with { Name = "../../etc/passwd" }] }, "expected a name in this folder");
        Refused(sound with { Files = [.. sound.Files, sound.Files[0]] }, "twice");
        Refused(sound with { Tensors = [.. sound.Tensors, tensor] }, "is there twice");
        Refused(sound with { Tensors = [tensor with { Shape = [long.MaxValue, 2] }] }, "which cannot be");
        Refused(sound with { Tensors = [tensor with { DType = "F4" }] }, "which checkpoints do not have");
        Refused(sound with { Tensors = [tensor with { Pieces = [] }] }, "has pieces up to element 0");
        Refused(sound with { Tensors = [tensor with { Pieces = [tensor.Pieces[0] with { First = 1 }] }] }, "expected one from 0");
        Refused(sound with { Tensors = [tensor with { Pieces = [tensor.Pieces[0] with { Crc32c = "0" }] }] }, "no checksum for each block");
        Refused(sound with { Step = -1 }, "says step -1");

        void Refused(CheckpointManifest lie, string why) =>
            Assert.Contains(why, Assert.Throws<CheckpointException>(() => ManifestFile.Parse("x", ManifestFile.Write(lie))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FuzzedManifests_EndInOneLine_WhateverTheyHold()
    {
        // Their checksum is right, so that everything behind it is reached.
        var random = new Random(11);
        var json = Encoding.UTF8.GetString(ManifestFile.Write(ManifestFile.Read(_checkpoints.Of(5))));
        var body = json[..json.IndexOf(",\"checksum\"", StringComparison.Ordinal)];
        string[] tokens = ["{", "}", "[", "]", ",", ":", "\"", "null", "-1", "1e99", "9223372036854775808", "\\ud800", "\"F32\"", "0", "tensors", "\0"];
        for (var i = 0; i < 3000; i++)
        {
            var text = new StringBuilder(body);
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                var at = random.Next(text.Length);
                text.Remove(at, Math.Min(random.Next(0, 12), text.Length - at)).Insert(at, tokens[random.Next(tokens.Length)]);
            }
            var bytes = Encoding.UTF8.GetBytes(text + ",\"checksum\":\"");
            byte[] file = [.. bytes, .. Encoding.ASCII.GetBytes(BlockChecksums.Show(Crc32C.Of(bytes))), .. "\"}\n"u8];
            try
            {
                ManifestFile.Parse("x", file);
            }
            catch (CheckpointException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }
}
