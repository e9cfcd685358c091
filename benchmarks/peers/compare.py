#!/usr/bin/env python3
"""NetZero and PyTorch on the same work, in turns: compare.py WORK FILE [--rounds N] [--steps N] appends a JSON object of each run to FILE.

WORK is SHAPE-SETTING: small or gpt2, and ranks (2 ranks of 1 thread: stages 0 and 3 against DistributedDataParallel), threads (1 rank of 2 threads) or one (1 rank
of 1 thread); or tiny-start (from the start of the process to the end of the first step) or adamw (beside torch.optim.AdamW and, compiled by gcc, adamw.c). Run it from the repository's root, after `dotnet build -c Release`.
PyTorch computes with OpenBLAS; BLAS_FOLDER names the folder of another libblas.so.3. Two threads in one process need Debian's openblas-openmp: with its default
PyTorch is handicapped, and such runs are refused."""
import argparse, json, os, resource, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
NETZERO = ["dotnet", "src/NetZero.Cli/bin/Release/net10.0/netzero.dll"]
TINY = {
    "model": {"n_layer": 2, "n_head": 2, "n_embd": 64, "n_positions": 64}, "data": {"train": "text.txt", "seq_len": 64},
    "train_batch_size": 2, "threads_per_rank": 1, "steps": 1, "output_dir": "run",
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("work")
parser.add_argument("file")
parser.add_argument("--rounds", type=int, default=1)
parser.add_argument("--steps", type=int, default=5)
options = parser.parse_args()


def run(command, **settings):
    """The JSON objects that a command prints, and the most memory that its largest process had."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **settings)
    objects = [json.loads(line) for line in process.stdout if line.startswith("{")]
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return objects, usage.ru_maxrss * 1024


def torch(script, *arguments):
    environment = dict(os.environ)
    if folder := os.environ.get("BLAS_FOLDER"):
        environment["LD_LIBRARY_PATH"] = folder
    objects = run(["/usr/bin/python3", os.path.join(HERE, script), *arguments], env=environment)[0]
    if any(found.get("threads", 1) > 1 and "openmp" not in found["blas"] for found in objects):
        sys.exit(f"PyTorch computed with {objects[0]['blas']}: set BLAS_FOLDER to the folder of an OpenBLAS with OpenMP")
    return objects


def fused_pass():
    """The fused C pass, one thread, with the pages that NetZero has."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "adamw")
        flags = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp"]
        subprocess.run(["gcc", *flags, "-o", program, os.path.join(HERE, "adamw.c"), "-lm"], check=True)
        return [dict(found, program="C") for found in run([program], env=dict(os.environ, OMP_NUM_THREADS="1", HUGE="1"))[0]]


def netzero_train(shape, ranks, threads, stage):
    arguments = ["--shape", shape, "--ranks", ranks, "--threads", threads, "--stage", stage, "--steps", options.steps, "--json"]
    objects, resident = run(NETZERO + ["bench", "train", *map(str, arguments)])
    return [dict(objects[0], program="NetZero", resident_bytes=resident / ranks)]


def netzero_start(ranks):
    """From the outside: until the line of the first step is there."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "text.txt"), "w") as text:
            text.writelines(f"line {i}\n" for i in range(4000))
        with open(os.path.join(folder, "tiny.json"), "w") as configuration:
            json.dump(dict(TINY, ranks=ranks), configuration)
        before, first = time.perf_counter(), None
        command = ["dotnet", os.path.abspath(NETZERO[1]), "train", "tiny.json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
            for line in process.stdout:
                if line.startswith("step 1/"):
                    first = time.perf_counter() - before
    return [dict(program="NetZero", shape="tiny", ranks=ranks, threads=1, first_step_seconds=first)]


def pieces(work):
    shape, _, setting = work.partition("-")
    if work == "adamw":
        def netzero():
            lines = run(NETZERO + ["bench", "adam", "--seconds", "1", "--json"])[0][0]["lines"]
            return [dict(program="NetZero", name=line["name"], seconds=line["seconds"], gb_per_second=line["rate"]) for line in lines]
        return [netzero, fused_pass, lambda: torch("adamw_torch.py")]
    if work == "tiny-start":
        return [lambda: netzero_start(1), lambda: torch("train_torch.py", "--shape", "tiny", "--steps", "1")]
    ranks, threads, stages = {"ranks": (2, 1, (0, 3)), "threads": (1, 2, (0,)), "one": (1, 1, (0,))}[setting]
    peer = lambda: torch("train_torch.py", "--shape", shape, "--processes", str(ranks), "--threads", str(threads), "--steps", str(options.steps))
    return [peer] + [lambda stage=stage: netzero_train(shape, ranks, threads, stage) for stage in stages]


for _ in range(options.rounds):
    for piece in pieces(options.work):
        for found in piece():
            line = json.dumps(dict(found, work=options.work))
            print(line, flush=True)
            with open(options.file, "a") as results:
                results.write(line + "\n")
