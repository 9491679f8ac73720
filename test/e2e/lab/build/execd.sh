#!/bin/bash
# The guests' command channel, standard library only: $OUT/execd.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${SOURCE:?}"

echo "STEP 1/1 execd: building; about 10 s"
cd "$SOURCE"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/execd" .
