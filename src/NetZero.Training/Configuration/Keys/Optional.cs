using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>A value that may be left out; what then holds follows from other keys.</summary>
internal sealed class Optional<V>(ValueType<V> inner) : ValueType<V?>
    where V : struct
{
    public override string Expected => inner.Expected;

    public override string ExpectedInsteadOf(JsonElement json) => inner.ExpectedInsteadOf(json);

    public override bool TakesText => inner.TakesText;

    public override bool TryRead(JsonElement json, out V? value)
    {
        var known = inner.TryRead(json, out var read);
        value = known ? read : null;
        return known;
    }

    public override void Write(Utf8JsonWriter writer, V? value) => inner.Write(writer, value!.Value);

    public override void WriteSchema(Utf8JsonWriter writer) => inner.WriteSchema(writer);
}
