#!/usr/bin/env python3
"""Planned beside measured step times, each by the tool as users call it: netzero bench machine, then netzero plan and netzero train of the same configurations.

python3 benchmarks/plans.py [NAME...] [--netzero PATH/netzero.dll]     NAME is a part of a case's name, such as small or "stage 3"

Needs a quiet machine and `dotnet build -c Release` before. netzero bench plan does the same in one process, without files.
"""
import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# Layers, heads, hidden size, tokens, vocabulary, samples of a rank.
SHAPES = {
    "small": (6, 6, 384, 256, 256, 12),
    "gpt2": (12, 12, 768, 256, 50257, 2),
    "narrow": (4, 4, 128, 128, 256, 16),
    "long": (2, 8, 256, 1024, 512, 2),
    "wide": (2, 16, 1024, 128, 1024, 2),
    "deep": (16, 4, 192, 128, 256, 4),
    "vocabulary": (2, 6, 384, 128, 32000, 4),
    "dropout": (4, 6, 384, 256, 1024, 4),
}


def steps_of(planned):
    """Steps that warm up, while the runtime compiles for good what it compiled quickly first, and all of them: at least a second, and another one and a half."""
    warm_up = max(3, math.ceil(1 / planned))
    return warm_up, warm_up + max(3, math.ceil(1.5 / planned))


def cases():
    for name in SHAPES:
        yield f"{name}, 1 rank", name, 1, 0, 1, "none"
        yield f"{name}, 2 ranks, stage 0", name, 2, 0, 1, "none"
        yield f"{name}, 2 ranks, stage 3", name, 2, 3, 1, "none"
        if name != "gpt2":
            yield f"{name}, 2 ranks, stage 3, accumulation", name, 2, 3, 2, "none"
            yield f"{name}, 2 ranks, stage 3, checkpointing", name, 2, 3, 1, "full"


def configuration(name, ranks, stage, accumulation, checkpointing, text):
    layers, heads, hidden, tokens, vocabulary, samples = SHAPES[name]
    return {
        "model": {
            "n_layer": layers, "n_head": heads, "n_embd": hidden, "n_positions": tokens, "vocab_size": vocabulary, "dropout": 0.1 if name == "dropout" else 0,
        },
        "data": {"train": text},
        "train_micro_batch_size_per_gpu": samples // accumulation,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": 1,
        "zero_optimization": {"stage": stage},
        "activation_checkpointing": {"mode": checkpointing},
        "ranks": ranks,
        "threads_per_rank": 1,
        "steps": 1,
    }


def run(netzero, *arguments):
    done = subprocess.run(["dotnet", netzero, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"netzero {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--netzero", default=os.path.join(HERE, "../src/NetZero.Cli/bin/Release/net10.0/netzero.dll"))
    options = parser.parse_args()
    chosen = [case for case in cases() if not options.names or any(part in case[0] for part in options.names)]
    with tempfile.TemporaryDirectory() as folder:
        text = os.path.join(folder, "text")
        numbers = random.Random(1)
        with open(text, "wb") as file:
            file.write(bytes(numbers.randrange(256) for _ in range(1 << 19)))
        machines, errors = {}, []
        print(f"{'':44} {'planned s':>10} {'measured s':>11} {'error':>9}")
        for title, name, ranks, stage, accumulation, checkpointing in chosen:
            if ranks not in machines:
                machines[ranks] = os.path.join(folder, f"machine{ranks}.json")
                run(options.netzero, "bench", "machine", "--ranks", str(ranks), "--output", machines[ranks])
            config, output = os.path.join(folder, "run.json"), os.path.join(folder, "run")
            with open(config, "w", encoding="utf-8") as file:
                json.dump(configuration(name, ranks, stage, accumulation, checkpointing, text), file)
            planned = json.loads(run(options.netzero, "plan", config, "--cluster", machines[ranks], "--json"))["step_seconds"]
            warm_up, steps = steps_of(planned)
            run(options.netzero, "train", config, "--set", f"steps={steps}", "--output", output)
            with open(os.path.join(output, "metrics.jsonl"), encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            subprocess.run(["rm", "-rf", output], check=True)
            measured = statistics.median(step["step_seconds"] for step in lines[warm_up:])
            errors.append(abs(planned / measured - 1))
            print(f"{title:44} {planned:10.4f} {measured:11.4f} {(planned / measured - 1) * 100:+7.1f} %", flush=True)
        print(f"{len(errors)} cases: median {statistics.median(errors) * 100:.1f} %, worst {max(errors) * 100:.1f} %")


if __name__ == "__main__":
    main()
