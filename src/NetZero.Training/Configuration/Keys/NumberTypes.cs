using System.Numerics;
using System.Text.Json;

namespace NetZero.Training.Keys;

/// <summary>Whole numbers from a minimum up. A value below the minimum stands for "not given".</summary>
internal sealed class WholeNumber<V>(V minimum, V? maximum = null) : ValueType<V>
    where V : struct, IBinaryInteger<V>, IMinMaxValue<V>
{
    public override string Expected => maximum is null ? $"a whole number, at least {minimum}" : $"a whole number from {minimum} to {maximum}";

    public override bool TryRead(JsonElement json, out V value)
    {
        value = default;
        if (json.ValueKind != JsonValueKind.Number || !json.TryGetInt64(out var number))
            return false;
        if (number < long.CreateChecked(minimum) || number > long.CreateChecked(maximum ?? V.MaxValue))
            return false;
        value = V.CreateChecked(number);
        return true;
    }

    public override void Write(Utf8JsonWriter writer, V value) => writer.WriteNumberValue(long.CreateChecked(value));

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "integer");
        writer.WriteNumber("minimum", long.CreateChecked(minimum));
        if (maximum is { } most)
            writer.WriteNumber("maximum", long.CreateChecked(most));
    }

    public override bool IsUnset(V value) => value < minimum;
}

/// <summary>Numbers in a range that includes its ends unless asked otherwise. Kernels compute in fp32, so what fp32 rounds to 0, to infinity or to an end that is left out is refused.</summary>
internal sealed class RealNumber(double minimum, double maximum = double.PositiveInfinity, bool belowMaximum = false, bool aboveMinimum = false)
    : ValueType<double>
{
    public override string Expected => (double.IsInfinity(maximum), aboveMinimum) switch
    {
        (true, false) => $"a number, at least {minimum}",
        (true, true) => $"a number above {minimum}",
        (false, false) => $"a number from {minimum} to {Upper}",
        (false, true) => $"a number above {minimum} and {(belowMaximum ? "" : "up to ")}{Upper}",
    };

    private string Upper => belowMaximum ? $"below {maximum}" : $"{maximum}";

    public override bool TryRead(JsonElement json, out double value)
    {
        value = 0;
        return json.ValueKind == JsonValueKind.Number && json.TryGetDouble(out value) && IsInside(value) && IsKept(value);
    }

    public override string ExpectedInsteadOf(JsonElement json) =>
        !TryRead(json, out var value) && json.ValueKind == JsonValueKind.Number && IsInside(value) ? $"{Expected}, also in fp32, where it becomes {Show((float)value)}" : Expected;

    private static string Show(float single) => float.IsPositiveInfinity(single) ? "infinity" : $"{single}";

    private bool IsKept(double value) => float.IsFinite((float)value) && IsInside((float)value) && ((float)value != 0 || value == 0);

    private bool IsInside(double value) => (aboveMinimum ? value > minimum : value >= minimum) && (belowMaximum ? value < maximum : value <= maximum);

    public override void Write(Utf8JsonWriter writer, double value) => writer.WriteNumberValue(value);

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "number");
        writer.WriteNumber(aboveMinimum ? "exclusiveMinimum" : "minimum", minimum);
        if (!double.IsInfinity(maximum))
            writer.WriteNumber(belowMaximum ? "exclusiveMaximum" : "maximum", maximum);
    }
}

/// <summary>Two numbers, each from 0 to below 1.</summary>
internal sealed class PairOfRates : ValueType<(double First, double Second)>
{
    private static readonly RealNumber Rate = new(0, 1, belowMaximum: true);

    public override string Expected => "a list of two numbers from 0 to below 1";

    public override string ExpectedInsteadOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() == 2 && json.EnumerateArray().Select(Rate.ExpectedInsteadOf).FirstOrDefault(e => e != Rate.Expected) is { } rate
            ? $"{Expected}; each is {rate}"
            : Expected;

    public override bool TryRead(JsonElement json, out (double First, double Second) value)
    {
        value = default;
        return json.ValueKind == JsonValueKind.Array && json.GetArrayLength() == 2
            && Rate.TryRead(json[0], out value.First) && Rate.TryRead(json[1], out value.Second);
    }

    public override void Write(Utf8JsonWriter writer, (double First, double Second) value)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.First);
        writer.WriteNumberValue(value.Second);
        writer.WriteEndArray();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        Rate.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteNumber("minItems", 2);
        writer.WriteNumber("maxItems", 2);
    }
}

/// <summary>A number, or a list of two: which of them an optimizer takes is checked with its type.</summary>
internal sealed class EpsilonsType : ValueType<Epsilons>
{
    private static readonly RealNumber One = new(0);

    public override string Expected => $"{One.Expected}, or a list of two";

    public override string ExpectedInsteadOf(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && One.ExpectedInsteadOf(json) is var one && one != One.Expected ? one : Expected;

    public override bool TryRead(JsonElement json, out Epsilons value)
    {
        value = default;
        var isPair = json.ValueKind == JsonValueKind.Array && json.GetArrayLength() == 2;
        double second = 0;
        if (!One.TryRead(isPair ? json[0] : json, out var first) || (isPair && !One.TryRead(json[1], out second)))
            return false;
        value = new(first, isPair ? second : null);
        return true;
    }

    public override void Write(Utf8JsonWriter writer, Epsilons value)
    {
        if (value.Second is not { } second)
        {
            One.Write(writer, value.First);
            return;
        }

        writer.WriteStartArray();
        One.Write(writer, value.First);
        One.Write(writer, second);
        writer.WriteEndArray();
    }

    public override void WriteSchema(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("anyOf");
        writer.WriteStartObject();
        One.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteStartObject();
        writer.WriteString("type", "array");
        writer.WriteStartObject("items");
        One.WriteSchema(writer);
        writer.WriteEndObject();
        writer.WriteNumber("minItems", 2);
        writer.WriteNumber("maxItems", 2);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }
}
