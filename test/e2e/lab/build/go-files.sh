#!/bin/bash
# Files of one published Go module, into $OUT: FILES has their paths in it.
set -euo pipefail
: "${OUT:?}" "${MODULE:?}" "${VERSION:?}" "${FILES:?}"

echo "STEP 1/1 $MODULE $VERSION: fetching; about 30 s"
source=$(go mod download -json "$MODULE@$VERSION" | jq -r .Dir)
for file in $FILES; do install -m 644 "$source/$file" "$OUT/"; done
