#!/usr/bin/env bash
# Publishes the tool as a folder that runs on a machine without .NET: eng/publish.sh [RUNTIME] [FOLDER]
# RUNTIME is a .NET runtime identifier (linux-x64 by default; linux-arm64, osx-arm64, win-x64, ...). FOLDER is artifacts/publish/RUNTIME by default and is
# replaced. Ends by running the published tool where that is possible here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
runtime=${1:-linux-x64}
folder=${2:-artifacts/publish/$runtime}

rm -rf "$folder"
dotnet publish src/NetZero.Cli -c Release -r "$runtime" --self-contained -o "$folder" -v quiet -p:DebugType=none -p:PublishDocumentationFiles=false
tool=$folder/netzero
if [ "$runtime" = "$(dotnet --info | sed -n "s/^ *RID: *//p" | head -n 1)" ]; then
    # As on a machine where nothing of .NET is installed.
    env -i HOME="${HOME:-/}" "$tool" --version >/dev/null
fi
echo "$tool: $(du -sh "$folder" | cut -f1)"
