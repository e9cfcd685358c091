namespace NetZero.Training.Tests;

public sealed class MappedTextTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private MappedText Open(params string[] texts)
    {
        for (var i = 0; i < texts.Length; i++)
            _folder.Write($"{i}", texts[i]);
        return MappedText.Open(TextFiles.Find([.. texts.Select((_, i) => _folder.At($"{i}"))], "data.train").Files);
    }

    [Fact]
    public void EveryRange_IsThatOfTheConcatenation()
    {
        using var text = Open("abc", "", "d", "efghi");
        var whole = "abcdefghi"u8;

        Assert.Equal(whole.Length, text.LengthBytes);
        for (var start = 0; start <= whole.Length; start++)
        {
            for (var length = 0; start + length <= whole.Length; length++)
            {
                var read = new byte[length];
                text.Read(start, read);
                Assert.Equal(whole.Slice(start, length), read);
            }
        }
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(3, 1)]
    [InlineData(2, 2)]
    [InlineData(long.MaxValue, 1)]
    public void RangeOutsideTheText_IsRefused(long start, int length)
    {
        using var text = Open("abc");

        Assert.Throws<ArgumentOutOfRangeException>(() => text.Read(start, new byte[length]));
    }

    [Fact]
    public void ClosedText_IsRefused()
    {
        var text = Open("abc");
        text.Dispose();
        text.Dispose();

        Assert.Throws<ObjectDisposedException>(() => text.Read(0, new byte[1]));
    }

    [Fact]
    public async Task TextClosedUnderItsReaders_EndsThemWithAnException()
    {
        // A read of unmapped memory would end the whole test process.
        for (var round = 0; round < 10; round++)
        {
            var text = Open(new string('x', 1 << 20));
            using var reading = new CountdownEvent(3);
            var readers = Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(
                () =>
                {
                    var buffer = new byte[1 << 20];
                    text.Read(0, buffer);
                    reading.Signal();
                    while (true)
                        text.Read(0, buffer);
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
            reading.Wait();
            text.Dispose();
            foreach (var reader in readers)
                await Assert.ThrowsAsync<ObjectDisposedException>(() => reader);
        }
    }

    [Fact]
    public void OffsetsBeyondTwoGigabytes_Work()
    {
        // Sparse: the file takes no room on any of the usual file systems, and only its last page is touched.
        const long length = (2L << 30) + 5000;
        var path = _folder.At("large");
        using (var file = new FileStream(path, FileMode.CreateNew))
        {
            file.SetLength(length);
            file.Position = length - 3;
            file.Write("end"u8);
        }

        using var text = MappedText.Open([new TextFile(path, length)]);
        var read = new byte[4];
        text.Read(length - 4, read);

        Assert.Equal("\0end"u8, read);
    }

    [Fact]
    public void FileThatIsGone_IsAnErrorOfOneLine()
    {
        var error = Assert.Throws<ConfigurationException>(() => MappedText.Open([new TextFile(_folder.At("gone"), 3)]));

        Assert.DoesNotContain('\n', error.Message);
        Assert.Contains("gone", error.Message, StringComparison.Ordinal);
    }
}
