namespace NetZero.Collectives.Tests;

public sealed unsafe class SharedArenaTests
{
    [Fact]
    public void Blocks_NeverOverlap_AreAligned_AndJoinAgainWhenFreed()
    {
        const long bytes = 64 << 20;
        using var mapping = SharedMapping.Create("test", bytes);
        var arena = new SharedArena(mapping);
        var random = new Random(1);
        var blocks = new List<(nint Address, long Bytes, byte Mark)>();
        for (var i = 0; i < 400; i++)
        {
            if (blocks.Count > 20)
            {
                var (address, length, mark) = blocks[random.Next(blocks.Count)];
                Assert.Equal(-1, new ReadOnlySpan<byte>((void*)address, (int)length).IndexOfAnyExcept(mark));
                blocks.Remove((address, length, mark));
                arena.Free(address, length);
            }

            var alignment = random.Next(2) == 0 ? 64 : 2 << 20;
            var size = random.Next(1, 20_000) * 64L;
            var block = arena.Allocate(size, alignment);
            Assert.Equal(0, arena.OffsetOf((void*)block) % alignment);
            new Span<byte>((void*)block, (int)size).Fill((byte)(i + 1));
            blocks.Add((block, size, (byte)(i + 1)));
        }

        foreach (var (address, length, mark) in blocks)
        {
            Assert.Equal(-1, new ReadOnlySpan<byte>((void*)address, (int)length).IndexOfAnyExcept(mark));
            arena.Free(address, length);
        }

        Assert.Equal((nint)arena.Address, arena.Allocate(bytes, 64));
        Assert.Throws<OutOfMemoryException>(() => arena.Allocate(64, 64));
    }
}
