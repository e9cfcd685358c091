namespace NetZero.Tensors;

/// <summary>How a frozen matrix is stored in codes: blocks of 64 elements, each scaled by its largest magnitude.</summary>
public enum BlockFormat
{
    /// <summary>8 bits an element: whole numbers from -127 to 127 (LLM.int8(), Dettmers et al. 2022, section 2, by blocks). 1.016 bytes an element.</summary>
    Int8,

    /// <summary>4 bits an element: the 16 quantiles of a normal distribution (NF4; QLoRA, Dettmers et al. 2023, section 3). 0.516 bytes an element.</summary>
    NormalFloat4,
}
