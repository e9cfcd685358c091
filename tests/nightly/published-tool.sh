#!/usr/bin/env bash
# Publishes the tool and lets it train where there is no .NET: with an empty environment, in a folder with nothing but the sample, and, where the system allows it,
# with the installed .NET hidden. Linux x64. Not part of CI: it fetches the runtime that it packs, and takes minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "this is for Linux x64; here is $(uname -sm)"; exit 1; }

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
eng/publish.sh linux-x64 "$place/tool"
mkdir "$place/elsewhere" "$place/empty"
cp -r samples docs README.md "$place/elsewhere/"

dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
hidden="mount --bind $place/empty $dotnet &&"
if ! unshare --map-root-user --mount sh -c "$hidden true" 2>/dev/null; then
    echo "note: $dotnet cannot be hidden here; it is only left out of the environment"
    hidden=""
fi

# The files of samples name their text from where the tool is started.
alone() {
    if [ -n "$hidden" ]; then
        unshare --map-root-user --mount sh -c "$hidden"' cd "$0" && exec env -i HOME="$0" PATH=/usr/bin:/bin "$@"' "$place/elsewhere" "$@"
    else
        (cd "$place/elsewhere" && exec env -i HOME="$place/elsewhere" PATH=/usr/bin:/bin "$@")
    fi
}

alone sh -c '! command -v dotnet' || { echo "FAILED: a dotnet is on the path"; exit 1; }
alone "$place/tool/netzero" train samples/quickstart.json --set steps="${STEPS:-20}" --output run --json
for file in metrics.jsonl memory.json config.json model/config.json model/model.safetensors; do
    [ -s "$place/elsewhere/run/$file" ] || { echo "FAILED: run/$file is missing"; exit 1; }
done
[ -n "$(alone "$place/tool/netzero" generate --model run/model --prompt "The " --tokens 20)" ] || { echo "FAILED: generate printed nothing"; exit 1; }
echo "passed: the published tool trains and writes text without .NET"
