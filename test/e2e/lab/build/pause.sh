#!/bin/bash
# The sandbox container's only process: $OUT/pause.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${SOURCE:?}"

echo "STEP 1/1 pause: compiling; about 1 s"
gcc -static -Os -s -o "$OUT/pause" "$SOURCE"
