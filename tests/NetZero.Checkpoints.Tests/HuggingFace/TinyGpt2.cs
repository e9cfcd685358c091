namespace NetZero.Checkpoints.Tests;

/// <summary>The tensors of a GPT-2, written down from Hugging Face's module tree (its Conv1D holds weights as [in, out]).</summary>
internal static class TinyGpt2
{
    public static IReadOnlyList<TensorSpec> Specs(int layers, int hidden, int vocabulary, int positions)
    {
        var specs = new List<TensorSpec> { new("wte.weight", [vocabulary, hidden]), new("wpe.weight", [positions, hidden]) };
        for (var layer = 0; layer < layers; layer++)
        {
            var h = $"h.{layer}.";
            specs.Add(new(h + "ln_1.weight", [hidden]));
            specs.Add(new(h + "ln_1.bias", [hidden]));
            specs.Add(new(h + "attn.c_attn.weight", [hidden, 3 * hidden]));
            specs.Add(new(h + "attn.c_attn.bias", [3 * hidden]));
            specs.Add(new(h + "attn.c_proj.weight", [hidden, hidden]));
            specs.Add(new(h + "attn.c_proj.bias", [hidden]));
            specs.Add(new(h + "ln_2.weight", [hidden]));
            specs.Add(new(h + "ln_2.bias", [hidden]));
            specs.Add(new(h + "mlp.c_fc.weight", [hidden, 4 * hidden]));
            specs.Add(new(h + "mlp.c_fc.bias", [4 * hidden]));
            specs.Add(new(h + "mlp.c_proj.weight", [4 * hidden, hidden]));
            specs.Add(new(h + "mlp.c_proj.bias", [hidden]));
        }
        specs.Add(new("ln_f.weight", [hidden]));
        specs.Add(new("ln_f.bias", [hidden]));
        return specs;
    }
}
