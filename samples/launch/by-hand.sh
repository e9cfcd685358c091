#!/usr/bin/env bash
# Starts the ranks of a training by hand, with the variables that torchrun sets: by-hand.sh RANKS CONFIG [arguments of netzero train]
set -eu
ranks=$1
config=$2
shift 2
export WORLD_SIZE=$ranks LOCAL_WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT="${MASTER_PORT:-29500}"
for ((rank = 1; rank < ranks; rank++)); do
    RANK=$rank LOCAL_RANK=$rank netzero train "$config" "$@" &
done
RANK=0 LOCAL_RANK=0 netzero train "$config" "$@"
wait
