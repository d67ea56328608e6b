#!/usr/bin/env bash
# Runs the tests that need software from PyPI: the AWS adapters against moto, and the tables read by PyIceberg.
# Usage: npm run test:interop. Without Python it says so and succeeds; every other obstacle is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

python="${PYTHON:-python3}"
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
  echo "SKIPPED: the interoperability tests need Python 3.10 or newer, and there is none here ($python)."
  exit 0
fi

requirements=test/interop/requirements.txt
if ! cmp -s "$requirements" .venv/installed.txt; then
  echo "Installing moto and PyIceberg into .venv …"
  if ! { "$python" -m venv --clear .venv && .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$requirements"; }; then
    echo "FAILED: moto and PyIceberg could not be installed into .venv (see above), so nothing was tested." >&2
    exit 1
  fi
  cp "$requirements" .venv/installed.txt
fi

port="$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
log="$(mktemp)"
.venv/bin/python test/interop/aws_emulator.py -H 127.0.0.1 -p "$port" >"$log" 2>&1 &
moto=$!
trap 'kill "$moto" 2>/dev/null || true; wait "$moto" 2>/dev/null || true; rm -f "$log"' EXIT

for _ in $(seq 150); do
  if .venv/bin/python -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then
    ready=yes
    break
  fi
  kill -0 "$moto" 2>/dev/null || break
  sleep 0.2
done
if [ "${ready:-no}" != yes ]; then
  echo "FAILED: moto did not start within 30 seconds:" >&2
  cat "$log" >&2
  exit 1
fi

export AWS_ENDPOINT_URL="http://127.0.0.1:$port" AWS_REGION=eu-central-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_EC2_METADATA_DISABLED=true
export SLUICE_INTEROP_PYTHON="$PWD/.venv/bin/python" PYTHONDONTWRITEBYTECODE=1
npx vitest run --config test/interop/vitest.config.ts "$@"
