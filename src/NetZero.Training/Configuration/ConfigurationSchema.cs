namespace NetZero.Training;

/// <summary>The JSON Schema of a configuration file, generated from <see cref="ConfigurationKeys"/>.</summary>
internal static class ConfigurationSchema
{
    /// <summary>The key by which a configuration names its schema; editors read it, runs pass over it.</summary>
    public const string Reference = "$schema";

    public static byte[] Write() => ConfigurationWriter.WriteObject(writer =>
    {
        // Draft 7 is the newest that the common editors all know.
        writer.WriteString(Reference, "http://json-schema.org/draft-07/schema#");
        writer.WriteString("title", "NetZero run configuration");
        ConfigurationKeys.Root.WriteSchema(new RunConfiguration(), writer, properties =>
        {
            properties.WriteStartObject(Reference);
            properties.WriteString("type", "string");
            properties.WriteString("description", "The path of this schema.");
            properties.WriteEndObject();
        });
    });
}
