namespace NetZero.Tensors.Tests.Memory;

public class NativeAllocatorTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void Allocate_EverNewLargeSizes_HoldsAtMostTwiceThePeak()
    {
        using var allocator = new NativeAllocator(BlockSource.System);
        for (var i = 0; i < 500; i++)
        {
            var bytes = (2 * MiB) + (i * 64);
            allocator.Free(allocator.Allocate(bytes), bytes);
            Assert.InRange(allocator.HeldBytes, bytes, 2 * bytes);
        }
    }

    [Fact]
    public void Allocate_AStepWhoseSizesTakeTurns_AsksTheSystemForNothingFromTheSecondOn()
    {
        // In use at once: 4 MiB and one of the others, at most 10 together; needed in all: 20 MiB, twice that.
        using var allocator = new NativeAllocator(BlockSource.System);
        for (var step = 0; step < 4; step++)
        {
            var before = allocator.SystemAllocations;
            var kept = allocator.Allocate(4 * MiB);
            foreach (var bytes in new[] { 6 * MiB, 5 * MiB, 3 * MiB, 2 * MiB })
                allocator.Free(allocator.Allocate(bytes), bytes);
            allocator.Free(kept, 4 * MiB);
            Assert.Equal(step == 0 ? 5 : 0, allocator.SystemAllocations - before);
        }
    }

    [Fact]
    public void Allocate_BeyondTheLimit_GivesBackTheSizeAskedForLongestAgoAndNoneInUse()
    {
        using var allocator = new NativeAllocator(BlockSource.System);
        var used = allocator.Allocate(3 * MiB);
        foreach (var bytes in new[] { 4 * MiB, 5 * MiB })
            allocator.Free(allocator.Allocate(bytes), bytes);

        // 12 MiB held, 8 the peak: 6 more pass twice the new peak of 9 only together with nothing; 4 MiB asked for again is the younger.
        allocator.Free(allocator.Allocate(4 * MiB), 4 * MiB);
        allocator.Free(allocator.Allocate(6 * MiB), 6 * MiB);
        Assert.Equal(18 * MiB, allocator.HeldBytes);
        allocator.Free(allocator.Allocate(2 * MiB), 2 * MiB);
        Assert.Equal(15 * MiB, allocator.HeldBytes); // less the 5, and 2 more
        var before = allocator.SystemAllocations;
        allocator.Free(allocator.Allocate(4 * MiB), 4 * MiB);
        Assert.Equal(before, allocator.SystemAllocations);
        allocator.Free(used, 3 * MiB);
    }

    [Fact]
    public void Allocate_WhatTheSystemDoesNotHave_GivesTheCacheBackFirstAndThenThrows()
    {
        using var allocator = new NativeAllocator(BlockSource.System);
        allocator.Free(allocator.Allocate(3 * MiB), 3 * MiB);
        allocator.Free(allocator.Allocate(100), 100);
        Assert.Throws<OutOfMemoryException>(() => allocator.Allocate(1L << 62));
        Assert.Equal(0, allocator.HeldBytes);
    }

    [Fact]
    public void Context_WhatTheSystemDoesNotHave_NamesBytesAndKindsAndCountsNothing()
    {
        using var context = new TensorContext();
        var x = context.Empty([16], DType.F32, MemoryKind.Parameter).Keep();
        var error = Assert.Throws<InsufficientMemoryException>(() => context.Empty([1L << 60]));
        Assert.Equal(
            "The system does not give 4,611,686,018,427,387,904 more bytes of activation beside the 64 that live (parameter 64); "
            + "lower the micro-batch, shard over more ranks, or free memory on this machine.",
            error.Message);
        Assert.Equal(64, context.Ledger.LiveBytes);
        Assert.Equal(64, context.Ledger.PeakBytes);
        x.Fill(1);
        Assert.Equal(1, context.Full([1], 1).Item());
    }

    [Fact]
    public void HugePages_OnLinux_AreAdvised()
    {
        Assert.Equal(OperatingSystem.IsLinux(), HugePages.AreAvailable);
        using var allocator = new NativeAllocator(BlockSource.System);
        Assert.Equal(0, allocator.Allocate(HugePages.Bytes) % (nint)HugePages.Bytes);
    }
}
