using System.Text.Json;

namespace NetZero.Checkpoints;

/// <summary>Reads the JSON of a safetensors header into tensors, each checked by itself; how they lie together is checked afterwards.</summary>
/// <param name="file">The file's name, for messages.</param>
/// <param name="dataStart">Where the header ends, in bytes from the start of the file.</param>
internal sealed class SafetensorsHeaderParser(string file, long dataStart)
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public List<SafetensorsTensor> Tensors { get; } = [];

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public void Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!_names.Add(name))
                throw new CheckpointFormatException(file, name, "is in the header twice");
            reader.Read();
            if (name == SafetensorsHeader.MetadataKey)
                ReadMetadata(ref reader);
            else
                Tensors.Add(ReadTensor(ref reader, name));
        }

        // Past the closing brace there is only padding; the reader throws at anything else.
        while (reader.Read())
        {
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new CheckpointFormatException(file, $"{SafetensorsHeader.MetadataKey} is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new CheckpointFormatException(
                    file, $"{SafetensorsHeader.MetadataKey} has a value that is not a string, at key {CheckpointFormatException.Quote(key)}");
            }
            if (!Metadata.TryAdd(key, reader.GetString()!))
            {
                throw new CheckpointFormatException(
                    file, $"{SafetensorsHeader.MetadataKey} has the key {CheckpointFormatException.Quote(key)} twice");
            }
        }
    }

    private SafetensorsTensor ReadTensor(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad(name, "is not described by an object with dtype, shape and data_offsets");
        SafetensorsDType? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            switch (key)
            {
                case "dtype" when dtype is null:
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadIntegers(ref reader, name, "shape");
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadIntegers(ref reader, name, "data_offsets");
                    break;
                case "dtype" or "shape" or "data_offsets":
                    throw Bad(name, $"has {key} twice");
                default:
                    reader.Skip();
                    break;
            }
        }
        if (dtype is null || shape is null || offsets is null)
            throw Bad(name, $"has no {(dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets")}");
        return Check(name, dtype.Value, shape, offsets);
    }

    private SafetensorsTensor Check(string name, SafetensorsDType dtype, List<long> shape, List<long> offsets)
    {
        if (offsets.Count != 2 || offsets[1] < offsets[0])
            throw Bad(name, $"has data_offsets {CheckpointFormatException.Show(offsets)}, expected [begin, end] with begin <= end");
        if (offsets[1] > long.MaxValue - dataStart)
            throw Bad(name, $"has data_offsets {CheckpointFormatException.Show(offsets)}, beyond what a file can hold");

        // A dim of 0 makes an empty tensor, whatever the others are; without one, a product that overflows is larger than any file.
        Int128 bits = shape.Contains(0) ? 0 : dtype.Bits();
        foreach (var size in shape)
        {
            bits *= size;
            if (bits > long.MaxValue)
                throw Bad(name, $"has shape {CheckpointFormatException.Show(shape)} of {dtype.Name()}, beyond what a file can hold");
        }
        if (bits % 8 != 0)
            throw Bad(name, $"has shape {CheckpointFormatException.Show(shape)} of {dtype.Name()}, which does not fill whole bytes");
        var length = offsets[1] - offsets[0];
        if (length != (long)(bits / 8))
        {
            throw Bad(
                name,
                $"has {length} bytes, expected {(long)(bits / 8)} for shape {CheckpointFormatException.Show(shape)} of {dtype.Name()}");
        }
        return new SafetensorsTensor(name, dtype, shape, dataStart + offsets[0], length);
    }

    private SafetensorsDType ReadDType(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw Bad(name, "has a dtype that is not a string");
        var text = reader.GetString()!;
        return SafetensorsDTypes.TryParse(text, out var dtype)
            ? dtype
            : throw Bad(name, $"has the unknown dtype {CheckpointFormatException.Quote(text)}");
    }

    private List<long> ReadIntegers(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Bad(name, $"has a {key} that is not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
                throw Bad(name, $"has a {key} with something else than whole numbers from 0 to {long.MaxValue}");
            numbers.Add(number);
        }
        return numbers;
    }

    private CheckpointFormatException Bad(string name, string problem) => new(file, name, problem);
}
