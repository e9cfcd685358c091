namespace NetZero.Checkpoints.Tests;

public class WrittenRangesTests
{
    [Fact]
    public void TryAdd_RandomPieces_AgreesWithAMapOfBits()
    {
        ulong random = 0x2545F4914F6CDD1D;
        for (var round = 0; round < 2_000; round++)
        {
            const int length = 24;
            var ranges = new WrittenRanges();
            var written = new bool[length];
            for (var piece = 0; piece < 12; piece++)
            {
                var start = (int)(Bytes.Next(ref random) % length);
                var end = start + (int)(Bytes.Next(ref random) % (ulong)(length - start + 1));
                var isFree = !written.AsSpan(start..end).Contains(true);
                Assert.Equal(isFree, ranges.TryAdd(start, end));
                if (isFree)
                    written.AsSpan(start..end).Fill(true);
                var first = Array.IndexOf(written, false);
                var gap = ranges.FirstGap(length);
                Assert.Equal(first < 0, gap is null);
                if (gap is { } found)
                {
                    var next = Array.IndexOf(written, true, first);
                    Assert.Equal((first, next < 0 ? length : next), found);
                }
            }
        }
    }
}
