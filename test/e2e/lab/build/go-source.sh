#!/bin/bash
# A Go program whose sources are ours, in $SOURCE: $OUT/$NAME.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${SOURCE:?}" "${NAME:?}"

echo "STEP 1/1 $NAME: building; about ${ABOUT:-10 s}"
cd "$SOURCE"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$OUT/$NAME" .
