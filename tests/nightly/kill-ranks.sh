#!/usr/bin/env bash
# Kills a rank at a random moment, again and again, and looks at what is left: tests/nightly/kill-ranks.sh [TIMES] [SEED]
# Each time a job of three processes with checkpoints loses a rank to SIGKILL. Its end must be that of a job to which nothing happened, bit for bit; the launcher
# and the other ranks must have named the rank within two seconds; and no process, file or shared memory may be left. Linux; about five seconds a time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
times=${1:-30}
RANDOM=${2:-1}
tool=$PWD/src/NetZero.Cli/bin/Release/net10.0/netzero.dll
[ -f "$tool" ] || { echo "build the tool before: dotnet build -c Release src/NetZero.Cli"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# What the runtime and the ranks might leave, in a temporary folder of their own.
export TMPDIR=$work/tmp
mkdir "$TMPDIR"
leftovers() { find "$TMPDIR" /dev/shm -mindepth 1 \( -path "$TMPDIR/*" -o -name 'netzero*' \) 2>/dev/null | sort; }
workers() { grep -lz "^NETZERO_LAUNCHER=$1\$" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true; }
rank_of() { tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^RANK=//p'; }
now() { date +%s%3N; }

for i in $(seq 2000); do echo "line $i of a text"; done >text.txt
cat >run.json <<JSON
{ "model": { "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 64 }, "data": { "train": "text.txt" }, "train_batch_size": 6, "steps": 300,
  "threads_per_rank": 1, "zero_optimization": { "stage": 3 }, "checkpoint": { "every_steps": 25, "keep_last": 2 } }
JSON
dotnet "$tool" train run.json --ranks 3 --output whole >/dev/null
before=$(leftovers)

slowest=0
for time in $(seq "$times"); do
    rm -rf broken
    dotnet "$tool" launch --nproc 3 --max-restarts 2 -- train run.json --output broken >out.log 2>err.log &
    launcher=$!
    step=$((RANDOM % 200 + 40))
    until grep -q "^step $step/" out.log; do kill -0 $launcher 2>/dev/null || { cat err.log; exit 1; }; sleep 0.01; done
    victim=$(workers $launcher | shuf -n 1 --random-source=<(yes $RANDOM))
    rank=$(rank_of "$victim")
    killed=$(now)
    kill -KILL "$victim"
    until grep -q "^restart 1 of 2" err.log; do
        [ $(($(now) - killed)) -lt 10000 ] || { cat err.log; echo "no restart for ten seconds"; exit 1; }
        sleep 0.01
    done
    noticed=$(($(now) - killed))
    [ $noticed -gt $slowest ] && slowest=$noticed
    wait $launcher || { cat err.log; echo "time $time: the job did not end well"; exit 1; }
    grep -q "rank $rank (process $victim) was ended by SIGKILL (exit code 137)" err.log || { cat err.log; echo "time $time: rank $rank was not named"; exit 1; }
    for other in 0 1 2; do
        [ "$other" = "$rank" ] || grep -q "\[rank $other\] error: Rank $rank failed: process $victim" err.log || { cat err.log; echo "time $time: rank $other did not name it"; exit 1; }
    done
    [ "$(grep -c '^step 10/' out.log)" -eq 1 ] || { echo "time $time: it began from scratch"; exit 1; }
    cmp whole/model/model.safetensors broken/model/model.safetensors || { echo "time $time: other weights"; exit 1; }
    [ -z "$(workers $launcher)" ] || { echo "time $time: processes are left"; exit 1; }
    [ "$(leftovers)" = "$before" ] || { leftovers; echo "time $time: files are left"; exit 1; }
    echo "$time of $times: rank $rank at step $step, all ranks ended and started again $noticed ms after it"
done
[ $slowest -le 2000 ] || { echo "the slowest took $slowest ms"; exit 1; }
echo "$times times; the slowest was noticed, and its job ended for a restart, within $slowest ms"
