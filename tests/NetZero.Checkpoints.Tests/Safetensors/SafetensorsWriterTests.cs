using System.Text;

namespace NetZero.Checkpoints.Tests;

public sealed class SafetensorsWriterTests : IDisposable
{
    private static readonly SafetensorsSpec[] Specs =
    [
        new("b", SafetensorsDType.F32, [3, 2]),
        new("a", SafetensorsDType.F32, []),
        new("empty", SafetensorsDType.F32, [0, 4]),
        new("ids", SafetensorsDType.I64, [2]),
        new("mask", SafetensorsDType.U8, [3]),
    ];

    private readonly TemporaryFolder _folder = new();

    private string Target => _folder["model.safetensors"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Commit_ASmallFile_HasExactlyTheBytesOfTheFormat()
    {
        WriteAll(Specs);
        var header =
            """{"__metadata__":{"format":"pt"},"ids":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}"""
            + ""","a":{"dtype":"F32","shape":[],"data_offsets":[16,20]},"b":{"dtype":"F32","shape":[3,2],"data_offsets":[20,44]}"""
            + ""","empty":{"dtype":"F32","shape":[0,4],"data_offsets":[44,44]},"mask":{"dtype":"U8","shape":[3],"data_offsets":[44,47]}}""";
        header = header.PadRight((header.Length + 7) / 8 * 8);
        var bytes = File.ReadAllBytes(Target);
        Assert.Equal(Bytes.File(Encoding.UTF8.GetBytes(header), bytes[^47..]), bytes);
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x28, 0x41], bytes[^47..^27]);
        Assert.Equal([7, 8, 9], bytes[^3..]);
    }

    [Fact]
    public void Commit_ThenOpen_GivesBackEveryTensor()
    {
        WriteAll(Specs);
        using var file = SafetensorsFile.Open(Target);
        Assert.Equal(Specs.Select(spec => spec.Name).Order(), file.Tensors.Select(tensor => tensor.Name).Order());
        foreach (var spec in Specs)
        {
            Assert.Equal(spec.DType, file.Find(spec.Name).DType);
            Assert.Equal(spec.Shape, file.Find(spec.Name).Shape);
        }
        Assert.Equal(0, file.HeaderBytes % 8);
        var values = new float[6];
        file.Read("b", 0, values);
        Assert.Equal([0, 1, 2, 3, 4, 5], values);
    }

    [Fact]
    public void Commit_InAnyOrderOfTensorsAndPieces_GivesTheSameBytes()
    {
        WriteAll(Specs);
        var expected = File.ReadAllBytes(Target);
        using (var writer = SafetensorsWriter.Create(Target, Specs.Reverse()))
        {
            writer.WriteBytes("mask", 2, [9]);
            writer.Write("b", 4, [4, 5]);
            writer.Write("b", 0, [0, 1]);
            writer.WriteBytes("ids", 0, [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
            writer.WriteBytes("mask", 0, [7, 8]);
            writer.Write("a", 0, [10.5f]);
            writer.Write("b", 2, [2, 3]);
            writer.Commit();
        }
        Assert.Equal(expected, File.ReadAllBytes(Target));
    }

    [Fact]
    public void Write_FromSeveralThreads_PutsEachPieceInItsPlace()
    {
        using (var writer = SafetensorsWriter.Create(Target, [new("t", SafetensorsDType.F32, [100, 1000])]))
        {
            Parallel.For(0, 100, rank => writer.Write("t", rank * 1000L, Enumerable.Range(rank * 1000, 1000).Select(i => (float)i).ToArray()));
            writer.Commit();
        }
        using var file = SafetensorsFile.Open(Target);
        var values = new float[100_000];
        file.Read("t", 0, values);
        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => (float)i), values);
    }

    [Fact]
    public void Create_AnotherFileThere_KeepsItUntilCommit()
    {
        File.WriteAllText(Target, "old");
        using (var writer = SafetensorsWriter.Create(Target, [new("t", SafetensorsDType.U8, [1])]))
        {
            writer.WriteBytes("t", 0, [1]);
            Assert.Equal("old", File.ReadAllText(Target));
        }
        Assert.Equal("old", File.ReadAllText(Target));
        Assert.Equal([Target], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Commit_WithElementsMissing_NamesTheRangeAndLeavesNoFile()
    {
        using (var writer = SafetensorsWriter.Create(Target, [new("t", SafetensorsDType.F32, [10])]))
        {
            writer.Write("t", 0, [1, 2]);
            writer.Write("t", 5, [1, 2, 3, 4, 5]);
            var error = Assert.Throws<InvalidOperationException>(writer.Commit);
            Assert.Contains("bytes 8 to 20 of tensor 't'", error.Message);
        }
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Write_WhatDoesNotFit_IsRefusedByName()
    {
        using var writer = SafetensorsWriter.Create(Target, Specs);
        Assert.Contains("'none'", Assert.Throws<ArgumentException>(() => writer.Write("none", 0, [1])).Message);
        Assert.Contains("I64", Assert.Throws<ArgumentException>(() => writer.Write("ids", 0, [1])).Message);
        Assert.Contains("'b'", Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write("b", 6, [1])).Message);
        Assert.Contains("'b'", Assert.Throws<ArgumentOutOfRangeException>(() => writer.Write("b", -1, [1])).Message);
        writer.Write("b", 1, [1, 2]);
        Assert.Contains("written before", Assert.Throws<InvalidOperationException>(() => writer.Write("b", 2, [1])).Message);
    }

    [Fact]
    public void Create_NamesTwiceReservedOrWithHalfBytes_AreRefusedAndLeaveNoFile()
    {
        var a = new SafetensorsSpec("a", SafetensorsDType.F32, [1]);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(Target, [a, a])).Message);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(Target, [a with { Name = "__metadata__" }]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SafetensorsWriter.Create(Target, [a with { Shape = [-1] }]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Create(Target, [a with { DType = SafetensorsDType.F4 }]));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Create_NamesInOtherScripts_AreReadBack()
    {
        using (var writer = SafetensorsWriter.Create(Target, [new("größe \"q\" 重み\n", SafetensorsDType.U8, [0])]))
            writer.Commit();
        using var file = SafetensorsFile.Open(Target);
        Assert.True(file.Contains("größe \"q\" 重み\n"));
    }

    private void WriteAll(SafetensorsSpec[] specs)
    {
        using var writer = SafetensorsWriter.Create(Target, specs);
        writer.Write("a", 0, [10.5f]);
        writer.Write("b", 0, [0, 1, 2, 3, 4, 5]);
        writer.Write("empty", 0, []);
        writer.WriteBytes("ids", 0, [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        writer.WriteBytes("mask", 0, [7, 8, 9]);
        writer.Commit();
    }
}
