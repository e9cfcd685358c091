namespace NetZero.Planning;

/// <summary>The stages of ZeRO as numbers: 0 shards nothing, 1 optimizer states, 2 gradients too, 3 parameters too.</summary>
internal static class Stages
{
    public static void Check(int stage)
    {
        if (stage is < 0 or > 3)
            throw new ArgumentOutOfRangeException(nameof(stage), stage, "ZeRO has the stages 0, 1, 2 and 3.");
    }
}
