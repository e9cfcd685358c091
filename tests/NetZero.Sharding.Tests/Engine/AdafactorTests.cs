using NetZero.Collectives;
using NetZero.Nn;
using NetZero.Tensors;
using NetZero.Testing;

namespace NetZero.Sharding.Tests.Engine;

/// <summary>
/// Adafactor over shards against the unsharded computation in double precision, element by element, over a hundred steps of the gradients
/// that there were.
/// </summary>
public class AdafactorTests
{
    private const int Steps = 100;
    private const double Rate = 0.05;

    // Unit roundoff of a float.
    private static readonly double U = Math.Pow(2, -24);

    // A head that is the embedding; rows of 20 elements, which slices of 256 cut, and at five ranks slices without any.
    private static readonly Gpt2Config Model = new()
    {
        LayerCount = 1,
        HeadCount = 2,
        EmbeddingSize = 20,
        PositionCount = 8,
        VocabularySize = 23,
    };

    private static readonly AdafactorOptions[] Settings =
    [
        new() { LearningRate = Rate },
        new() { LearningRate = Rate, Beta1 = 0.9, WeightDecay = 0.1 },
        new() { LearningRate = 0.002, ScaleParameter = false, ClipThreshold = 0.5, DecayRate = -0.5 },
        new()
        {
            LearningRate = Rate,
            WeightDecay = 0.01,
            WeightDecayAll = true,
            Groups = [new ParameterGroup("h.*.mlp.**") { LearningRate = Rate / 2 }],
        },
    ];

    public static TheoryData<int, int, int> Worlds
    {
        get
        {
            var data = new TheoryData<int, int, int>();
            for (var ranks = 1; ranks <= 5; ranks++)
                for (var stage = 0; stage <= 3; stage++)
                    data.Add(ranks, stage, 0);
            data.Add(4, 3, 2);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Worlds))]
    public void HundredSteps_AreThoseOfTheFormulas_InEveryElement(int ranks, int stage, int group) => Ranks.Run(ranks, rank =>
    {
        var options = Settings[(stage + ranks) % Settings.Length];
        string[] frozen = ranks == 3 ? ["h.0.attn.c_attn.*"] : [];
        var policy = ShardingPolicy.ForStage(stage) with { ShardGroupSize = group };
        var module = FullyShard.Apply(new Gpt2(Model), rank, policy, new ShardingOptions { Frozen = frozen });
        var optimizer = new Adafactor(module, options);
        var expected = new Dictionary<string, Reference>();
        module.VisitParameters((name, value) => expected[name] = new Reference(value, options, name), everyRank: true);
        for (var t = 1; t <= Steps; t++)
        {
            using var step = module.BeginStep();
            step.Backward(Loss((Gpt2)module.Module, rank, t));
            foreach (var (name, reference) in expected.Where(e => !frozen.Any(pattern => NamePattern.Matches(pattern, e.Key))))
            {
                using var held = module.GatherGradient(name);
                reference.Step(t, held.Value.ToArray<float>());
            }

            optimizer.Step();
        }

        module.VisitParameters((name, value) => expected[name].Check(name, value.ToArray<float>()), everyRank: true);
    });

    // Two ranks at most have elements of the root's norm and of each block's biases; all ranks have means, which are cut by themselves.
    [Fact]
    public void Means_AreKeptOnceOverTheRanks_FromStage1On()
    {
        var elements = new Gpt2(Model).NamedParameters().GroupBy(p => p.Name.StartsWith("h.", StringComparison.Ordinal))
            .ToDictionary(unit => unit.Key, unit => unit.Sum(p => Adafactor.MeansOf(p.Parameter.Shape)));
        for (var stage = 0; stage <= 3; stage++)
        {
            var at = stage;
            var kept = Ranks.Run(3, rank =>
            {
                var module = FullyShard.Apply(new Gpt2(Model), rank, ShardingPolicy.ForStage(at));
                var optimizer = new Adafactor(module);
                optimizer.Prepare();
                return rank.Tensors.Ledger.Snapshot()[(int)MemoryKind.Optimizer];
            });

            // In fp32, slices of whole blocks of 256.
            var slices = elements.Values.Sum(means => (means + (3 * 256) - 1) / (3 * 256) * 256 * sizeof(float));
            Assert.All(kept, bytes => Assert.Equal(at == 0 ? 3 * slices : slices, bytes));
        }
    }

    [Theory]
    [InlineData(1e-39, 1e-3, 1.0, -0.8, null)]
    [InlineData(1e-30, -1.0, 1.0, -0.8, null)]
    [InlineData(1e-30, 1e-3, 0.0, -0.8, null)]
    [InlineData(1e-30, 1e-3, 1.0, 0.8, null)]
    [InlineData(1e-30, 1e-3, 1.0, -0.8, 1.0)]
    public void SettingsOutOfTheirRange_AreRefused(double epsilon1, double epsilon2, double threshold, double decay, double? beta1) =>
        Ranks.Run(1, rank =>
        {
            var module = FullyShard.Apply(new ToyModel(1), rank, ShardingPolicy.DataParallel);
            var options = new AdafactorOptions
            {
                Epsilon1 = epsilon1,
                Epsilon2 = epsilon2,
                ClipThreshold = threshold,
                DecayRate = decay,
                Beta1 = beta1,
            };
            Assert.Throws<ArgumentException>(() => new Adafactor(module, options));
        });

    private static Tensor Loss(Gpt2 model, RankContext rank, int step)
    {
        int[] tokens = [.. Enumerable.Range(0, 8).Select(i => ((step * 7) + (rank.Rank * 3) + (i * i)) % Model.VocabularySize)];
        int[] targets = [.. tokens.Select(t => (t + 1) % Model.VocabularySize)];
        return model.Loss(rank.Tensors.From<int>(tokens, [1, 8]), rank.Tensors.From<int>(targets, [1, 8]));
    }

    // Shazeer and Stern 2018, algorithm 4, in the form of Hugging Face's Adafactor.step.
    private sealed class Reference
    {
        // A mean loses a few roundings when it is taken and when the ranks' are added up, and remembers those of the steps that it is made
        // of: at step 100 of 1 / (1 - 0.975) = 40 of them. A step has half the relative error of three such means.
        private const double RoundingsOfAStep = 400;

        private readonly AdafactorOptions _options;
        private readonly double _learningRate;
        private readonly double _decay;
        private readonly long _rows;
        private readonly long _columns;
        private readonly bool _isMatrix;
        private readonly float[] _before;
        private readonly double[] _values;
        private readonly double[] _momentum;
        private readonly double[] _bounds;
        private readonly double[] _momentumBounds;
        private readonly double[] _ofRows;
        private readonly double[] _ofColumns;
        private bool _moved;

        public Reference(Tensor value, AdafactorOptions options, string name)
        {
            _options = options;
            _learningRate = options.Groups.FirstOrDefault(g => NamePattern.Matches(g.Pattern, name))?.LearningRate ?? options.LearningRate;
            _isMatrix = value.Shape.Dims == 2;
            _decay = _isMatrix || options.WeightDecayAll ? options.WeightDecay : 0;
            (_rows, _columns) = _isMatrix ? (value.Shape[0], value.Shape[1]) : (1, value.Elements);
            _before = value.ToArray<float>();
            _values = Array.ConvertAll(_before, x => (double)x);
            (_momentum, _bounds, _momentumBounds) = (new double[_values.Length], new double[_values.Length], new double[_values.Length]);
            (_ofRows, _ofColumns) = (new double[_rows], new double[_columns]);
        }

        public void Step(int t, float[] gradient)
        {
            _moved = true;
            var stays = 1 - Math.Pow(t, _options.DecayRate);
            var (rows, columns) = (new double[_rows], new double[_columns]);
            for (var i = 0; i < gradient.Length; i++)
            {
                var square = ((double)gradient[i] * gradient[i]) + _options.Epsilon1;
                rows[i / _columns] += square / _columns;
                columns[i % _columns] += square / _rows;
            }

            Follow(_ofRows, rows, stays);
            Follow(_ofColumns, columns, stays);
            var mean = _ofRows.Average();
            double SecondMoment(int i) => _isMatrix ? _ofRows[i / _columns] / mean * _ofColumns[i % _columns] : _ofColumns[i];
            double[] u = [.. gradient.Select((g, i) => g / Math.Sqrt(SecondMoment(i)))];
            var alpha = _learningRate * (_options.ScaleParameter ? Math.Max(_options.Epsilon2, Math.Sqrt(_values.Average(x => x * x))) : 1);
            var limit = Math.Max(1, Math.Sqrt(u.Average(x => x * x)) / _options.ClipThreshold);
            for (var i = 0; i < u.Length; i++)
            {
                var step = alpha * u[i] / limit;
                var error = RoundingsOfAStep * U * Math.Abs(step);
                if (_options.Beta1 is { } beta1)
                {
                    step = _momentum[i] = (beta1 * _momentum[i]) + ((1 - beta1) * step);
                    error = _momentumBounds[i] = (beta1 * _momentumBounds[i]) + ((1 - beta1) * error) + (3 * U * Math.Abs(step));
                }

                _values[i] = (_values[i] * (1 - (alpha * _decay))) - step;
                _bounds[i] += error + (3 * U * Math.Abs(_values[i]));
            }
        }

        public void Check(string name, float[] found)
        {
            Assert.Equal(_moved, !_before.SequenceEqual(found));
            for (var i = 0; i < found.Length; i++)
            {
                var error = Math.Abs(_values[i] - found[i]);
                Assert.True(error <= _bounds[i], $"{name}[{i}] is {found[i]:R}, expected {_values[i]:R} within {_bounds[i]:R}");
            }
        }

        private static void Follow(double[] means, double[] latest, double stays)
        {
            for (var i = 0; i < means.Length; i++)
                means[i] = (stays * means[i]) + ((1 - stays) * latest[i]);
        }
    }
}
