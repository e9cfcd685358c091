#!/usr/bin/env python3
"""What sharding costs: training steps of stage 3, of stage 0, and of two single ranks that know nothing of each other, in turns.

    dotnet build -c Release src/NetZero.Cli
    python3 benchmarks/stages.py SHAPE [--rounds N] [--from N] [--steps N] [--out FILE]

Each round runs the three once, in an order that changes from round to round; two single ranks run at the same time, one thread each, and their tokens are added. Ratios are
taken within a round, and their median counts: a machine that is slower for a minute slows all three.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

TOOL = pathlib.Path(__file__).parent.parent / "src/NetZero.Cli/bin/Release/net10.0/netzero.dll"


def start(shape, ranks, stage, steps):
    command = ["dotnet", str(TOOL), "bench", "train", "--shape", shape, "--ranks", str(ranks), "--stage", str(stage), "--threads", "1", "--steps", str(steps), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def tokens(*processes):
    total = 0
    for process in processes:
        output = process.communicate()[0]
        if process.returncode != 0:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        total += json.loads(output)["tokens_per_second"]
    return total


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("shape")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--from", dest="first", type=int, default=0, help="the first round's number, which decides its order")
    arguments.add_argument("--steps", type=int, default=10)
    arguments.add_argument("--out")
    given = arguments.parse_args()
    runs = {
        "stage 3": lambda: tokens(start(given.shape, 2, 3, given.steps)),
        "stage 0": lambda: tokens(start(given.shape, 2, 0, given.steps)),
        "2 x 1 rank": lambda: tokens(start(given.shape, 1, 0, given.steps), start(given.shape, 1, 0, given.steps)),
    }
    rounds = []
    for number in range(given.first, given.first + given.rounds):
        names = list(runs)
        names = names[number % 3:] + names[:number % 3]
        rounds.append({name: runs[name]() for name in names})
        print(json.dumps({"shape": given.shape, "round": number, "steps": given.steps, "tokens_per_second": rounds[-1]}), flush=True)
        if given.out:
            with open(given.out, "a", encoding="utf-8") as out:
                out.write(json.dumps({"shape": given.shape, "steps": given.steps, "tokens_per_second": rounds[-1]}) + "\n")
    for one, other in (("stage 3", "stage 0"), ("stage 0", "2 x 1 rank")):
        ratios = [r[one] / r[other] for r in rounds]
        print(f"{one} / {other}: {statistics.median(ratios):.3f}  ({', '.join(f'{ratio:.3f}' for ratio in ratios)})")


if __name__ == "__main__":
    main()
