#!/usr/bin/env bash
# Trains over MPI on two hosts that are network namespaces of this machine, then does it again and cuts the link: tests/nightly/mpi-hosts.sh
# Needs root, iproute2, util-linux and Open MPI; elsewhere it says so and ends well. Build the tool before (dotnet build -c Release src/NetZero.Cli).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tool=$PWD/src/NetZero.Cli/bin/Release/net10.0/netzero.dll
mpirun=$(command -v mpirun.openmpi || command -v mpirun || true)
for need in "$mpirun" "$(command -v ip || true)" "$(command -v unshare || true)"; do
    [ -n "$need" ] || { echo "skipped: needs Open MPI's mpirun, ip and unshare"; exit 0; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: network namespaces need root"; exit 0; }
[ -f "$tool" ] || { echo "build the tool before: dotnet build -c Release src/NetZero.Cli"; exit 2; }

# Names and addresses that two runs at once do not share.
id=$$
a=nz${id}a b=nz${id}b
net=10.$((id / 250 % 250)).$((id % 250))
work=$(mktemp -d)
cleanup() {
    for pid in $(ip netns pids "$a" 2>/dev/null; ip netns pids "$b" 2>/dev/null); do
        kill -KILL "$pid" 2>/dev/null || true
    done
    ip netns del "$a" 2>/dev/null || true
    ip netns del "$b" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

ip netns add "$a"
ip netns add "$b"
ip link add "v${id}a" netns "$a" type veth peer name "v${id}b" netns "$b"
for side in a b; do
    host=nz$id$side
    ip -n "$host" addr add "$net.$([ $side = a ] && echo 1 || echo 2)/24" dev "v$id$side"
    ip -n "$host" link set "v$id$side" up
    ip -n "$host" link set lo up
done

# What ssh is between real hosts: mpirun calls it with a host and a command.
cat >"$work/agent" <<AGENT
#!/bin/sh
shift
exec ip netns exec $b unshare --uts sh -c 'hostname $b; exec /bin/sh -c "\$*"' sh "\$@"
AGENT
chmod +x "$work/agent"

for i in $(seq 2000); do echo "line $i of a text"; done >"$work/text.txt"
cat >"$work/run.json" <<JSON
{ "model": { "n_layer": 2, "n_head": 4, "n_embd": 64, "n_positions": 64 }, "data": { "train": "text.txt" }, "train_batch_size": 8, "steps": 20,
  "threads_per_rank": 1, "zero_optimization": { "stage": 3 } }
JSON

# train FOLDER OPTION...: two ranks, one on each host.
train() {
    local out=$1
    shift
    (cd "$work" && OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ip netns exec "$a" unshare --uts sh -c "hostname $a; exec \"\$@\"" sh \
        "$mpirun" --host "$net.1:1,$net.2:1" -n 2 --mca plm_rsh_agent "$work/agent" --mca btl tcp,self --mca pml ob1 \
        --mca btl_tcp_if_include "$net.0/24" --mca oob_tcp_if_include "$net.0/24" \
        --mca oob_tcp_keepalive_time 5 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3 \
        dotnet "$tool" train run.json --output "$out" "$@")
}

echo "== two hosts, nothing happens"
timeout 90 bash -c "$(declare -f train); work=$work a=$a net=$net mpirun=$mpirun tool=$tool train mpi" >"$work/mpi.log" 2>&1 || { cat "$work/mpi.log"; exit 1; }
(cd "$work" && dotnet "$tool" train run.json --ranks 2 --output threads >/dev/null)
cmp "$work/mpi/model/model.safetensors" "$work/threads/model/model.safetensors"
echo "== the weights are those of two threads"

echo "== the link is cut after ten steps"
timeout 120 bash -c "$(declare -f train); work=$work a=$a net=$net mpirun=$mpirun tool=$tool train cut --set steps=1000000 --set timeout_seconds=5" >"$work/cut.log" 2>&1 &
job=$!
until grep -q 'step 10/' "$work/cut.log" 2>/dev/null; do
    kill -0 $job 2>/dev/null || { cat "$work/cut.log"; exit 1; }
    sleep 0.1
done
start=$SECONDS
ip -n "$a" link set "v${id}a" down
until grep -q 'error: ' "$work/cut.log"; do
    [ $((SECONDS - start)) -lt 30 ] || { cat "$work/cut.log"; echo "nobody said anything for 30 seconds"; exit 1; }
    sleep 0.1
done
named=$((SECONDS - start))
sleep 0.2
grep 'error: ' "$work/cut.log"
grep -q "for rank 1 (rank 1 (process [0-9]*, on '$b', does not answer)" "$work/cut.log" || { cat "$work/cut.log"; echo "the rank behind the cut was not named"; exit 1; }
echo "== rank 1 and its host were named after $named s"

# Both sides end by themselves: who is left behind the cut learns no more from the other side.
ranks() { for pid in $(ip netns pids "$1"); do tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "^dotnet $tool" && echo "$pid"; done; true; }
until [ -z "$(ranks "$a")$(ranks "$b")" ]; do
    [ $((SECONDS - start)) -lt 40 ] || { ip netns pids "$a"; ip netns pids "$b"; echo "ranks are left forty seconds after the cut"; exit 1; }
    sleep 0.2
done
echo "== no rank was left after $((SECONDS - start)) s"
until ! kill -0 $job 2>/dev/null; do
    [ $((SECONDS - start)) -lt 60 ] || { echo "mpirun is still there a minute after the cut"; exit 1; }
    sleep 0.2
done
! wait $job || { echo "the job ended well without its rank 1"; exit 1; }
echo "== the job had ended after $((SECONDS - start)) s"
