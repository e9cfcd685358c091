#!/usr/bin/env bash
# Kills training 200 times at random instants, or as often as the first argument says, and resumes it each time. Takes about ten minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export NETZERO_KILLS=${1:-200}
exec dotnet test -c Release tests/NetZero.Cli.Tests --filter "FullyQualifiedName~KillDrillTests"
