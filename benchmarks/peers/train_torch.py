#!/usr/bin/env python3
"""GPT-2 training steps with PyTorch on CPUs: the same work as `netzero bench train`, random tokens included (which NetZero clips the gradients of as well).

train_torch.py --shape small|gpt2|tiny [--processes N] [--threads N] [--steps N]: one JSON object. N processes train with DistributedDataParallel over gloo.
Needs torch 1.13 or later."""
import argparse, json, os, resource, socket, statistics, subprocess, sys, time

SHAPES = {  # layers, channels, heads, vocabulary, tokens, samples of a process
    "tiny": (2, 64, 2, 256, 64, 2),
    "small": (6, 384, 6, 256, 256, 12),
    "gpt2": (12, 768, 12, 50257, 256, 2),
}
WARM_UP = 2

parser = argparse.ArgumentParser()
parser.add_argument("--shape", choices=SHAPES, default="small")
parser.add_argument("--processes", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--steps", type=int, default=5)
options = parser.parse_args()


def started():
    """When this process started, in seconds since the machine did."""
    ticks = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


start = float(os.environ.get("PEER_STARTED", started()))
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
if options.processes > 1 and "RANK" not in os.environ:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = dict(os.environ, WORLD_SIZE=str(options.processes), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo", PEER_STARTED=str(start))
    ranks = [subprocess.Popen([sys.executable] + sys.argv, env=dict(common, RANK=str(rank))) for rank in range(options.processes)]
    sys.exit(max(abs(rank.wait()) for rank in ranks))

import torch
import torch.nn.functional as F
from torch import nn

rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
layers, channels, heads, vocabulary, tokens, samples = SHAPES[options.shape]
torch.set_num_threads(options.threads)
torch.manual_seed(rank)
if world > 1:
    torch.distributed.init_process_group("gloo")


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.qkv, self.proj = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.up, self.down = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)

    def forward(self, x, mask):
        q, k, v = (part.view(samples, tokens, heads, -1).transpose(1, 2) for part in self.qkv(self.ln_1(x)).split(channels, 2))
        scores = (q @ k.transpose(2, 3) * (channels // heads) ** -0.5).masked_fill(mask, float("-inf"))
        x = x + self.proj((F.softmax(scores, -1) @ v).transpose(1, 2).reshape(samples, tokens, channels))
        return x + self.down(F.gelu(self.up(self.ln_2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, channels), nn.Embedding(tokens, channels)
        self.blocks, self.ln_f = nn.ModuleList(Block() for _ in range(layers)), nn.LayerNorm(channels)
        for table in (self.wte, self.wpe):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, inputs, targets):
        mask = torch.ones(tokens, tokens, dtype=torch.bool).triu(1)
        x = self.wte(inputs) + self.wpe.weight
        for block in self.blocks:
            x = block(x, mask)
        return F.cross_entropy(F.linear(self.ln_f(x), self.wte.weight).view(-1, vocabulary), targets.view(-1))


model = Gpt2()
parameters = sum(p.numel() for p in model.parameters())
if world > 1:
    model = nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
seconds, first = [], None
for step in range(WARM_UP + options.steps):
    inputs, targets = torch.randint(vocabulary, (2, samples, tokens))
    if world > 1:
        torch.distributed.barrier()
    before = time.perf_counter()
    loss = model(inputs, targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    loss.item()
    if world > 1:
        torch.distributed.barrier()
    seconds.append(time.perf_counter() - before)
    first = first or time.clock_gettime(time.CLOCK_BOOTTIME) - start

# Which of the libraries behind libblas.so.3 the linker took.
with open("/proc/self/maps") as maps:
    blas = next((line.split()[-1] for line in maps if "blas" in os.path.basename(line.split()[-1])), "unknown")

# Kibibytes on Linux.
peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]
if world > 1:
    peaks = [None] * world
    torch.distributed.all_gather_object(peaks, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
if rank == 0:
    rate = world * samples * tokens / statistics.median(seconds[WARM_UP:])
    flops = 6 * (parameters - tokens * channels) + 12 * layers * channels * tokens
    print(json.dumps(dict(
        program=f"PyTorch {torch.__version__}", shape=options.shape, ranks=world, threads=options.threads, steps=options.steps, tokens_per_second=rate,
        gflops=1e-9 * rate * flops, resident_bytes=max(peaks), first_step_seconds=first, blas=blas)), flush=True)
