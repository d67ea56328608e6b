#!/usr/bin/env bash
# Evaluates sst.config.ts offline and checks the graph of resources. No cloud and no credentials; only npm is reached,
# once, to install the platform of the pinned SST (about 45 s and 320 MB in .sst).
set -euo pipefail
cd "$(dirname "$0")/../.."
export SST_STAGE=test SST_TELEMETRY_DISABLED=1 SST_SKIP_DEPENDENCY_CHECK=1 SST_NO_BUN=1

pinned=$(node -p "require('./package.json').devDependencies.sst")
installed=$(cat .sst/platform/version 2>/dev/null || true)
if [ "$installed" != "$pinned" ] || [ ! -d .sst/platform/node_modules/@pulumi/aws ] || [ ! -f .sst/provider-lock.json ]; then
  echo "Installing the SST platform into .sst (once)"
  npx sst install
fi

npx tsc --noEmit -p tsconfig.infra.json
npx vitest run --config test/infra/vitest.config.ts "$@"
