namespace NetZero.Tensors.Cpu;

/// <summary>The optimizers' updates of one element, plainly, in double precision: what the kernels are tested against.</summary>
internal static class OptimizerReference
{
    public static void AdamW(ref double p, double gradient, ref double m, ref double v, AdamWSettings s)
    {
        p *= 1 - (s.LearningRate * s.WeightDecay);
        m = (s.Beta1 * m) + ((1 - s.Beta1) * gradient);
        v = (s.Beta2 * v) + ((1 - s.Beta2) * gradient * gradient);
        var corrected1 = m / (1 - Math.Pow(s.Beta1, s.Step));
        var corrected2 = v / (1 - Math.Pow(s.Beta2, s.Step));
        p -= s.LearningRate * corrected1 / (Math.Sqrt(corrected2) + s.Epsilon);
    }

    public static void Sgd(ref double p, double gradient, ref double momentum, SgdSettings s)
    {
        var g = gradient + (s.WeightDecay * p);
        momentum = s.FirstStep ? g : (s.Momentum * momentum) + g;
        p -= s.LearningRate * momentum;
    }

    public static void Lion(ref double p, double gradient, ref double m, LionSettings s)
    {
        var direction = Math.Sign((s.Beta1 * m) + ((1 - s.Beta1) * gradient));
        p = (p * (1 - (s.LearningRate * s.WeightDecay))) - (s.LearningRate * direction);
        m = (s.Beta2 * m) + ((1 - s.Beta2) * gradient);
    }

    public static void LambMoments(double gradient, ref double m, ref double v, LambSettings s)
    {
        m = (s.Beta1 * m) + ((1 - s.Beta1) * gradient);
        v = (s.Beta2 * v) + ((1 - s.Beta2) * gradient * gradient);
    }

    public static double LambDirection(double p, double m, double v, LambSettings s)
    {
        var corrected1 = m / (1 - Math.Pow(s.Beta1, s.Step));
        var corrected2 = v / (1 - Math.Pow(s.Beta2, s.Step));
        return (corrected1 / (Math.Sqrt(corrected2) + s.Epsilon)) + (s.WeightDecay * p);
    }

    public static void Lars(ref double p, double gradient, ref double momentum, double decay, double weightDecay, double rate)
    {
        momentum = (decay * momentum) + (rate * (gradient + (weightDecay * p)));
        p -= momentum;
    }
}
