#!/bin/bash
# Programs of one published Go module, into $OUT. PROGRAMS is "name=package ..." where the package
# is a path in the module. Replacements by sibling folders are dropped: a published module does
# not carry them, and its requirements name the siblings' published versions.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${MODULE:?}" "${VERSION:?}" "${PROGRAMS:?}"

cd "$WORK"
echo "STEP 1/2 $MODULE $VERSION: fetching; about 30 s"
source=$(go mod download -json "$MODULE@$VERSION" | jq -r .Dir)
cp -r "$source" module
chmod -R u+w module
cd module
go mod edit -json | jq -r '.Replace // [] | .[] | select(.New.Path | startswith(".")) | .Old.Path' |
  while IFS= read -r old; do go mod edit -dropreplace "$old"; done
rm -rf vendor

echo "STEP 2/2 $MODULE $VERSION: building; about ${ABOUT:-2 min}"
for program in $PROGRAMS; do
  CGO_ENABLED=${CGO_ENABLED:-0} go build -mod=mod -trimpath -buildvcs=false -tags "${TAGS:-}" \
    -ldflags "-s -w ${LDFLAGS:-}" -o "$OUT/${program%%=*}" "./${program#*=}"
done
