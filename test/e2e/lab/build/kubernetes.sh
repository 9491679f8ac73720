#!/bin/bash
# Kubernetes' $PROGRAMS of $VERSION from its Go module, into $OUT. The module carries no staging
# folders, so each staging repository comes from its own published module of the same release.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${VERSION:?}" "${PROGRAMS:?}"
version=$VERSION
staging="v0.${version#1.}"
steps=$((2 + $(wc -w <<<"$PROGRAMS")))

cd "$WORK"
echo "STEP 1/$steps kubernetes $version: fetching modules; about 1 min"
info=$(go mod download -json "k8s.io/kubernetes@v$version")
upstream=$(jq -r .GoMod <<<"$info")
commit=$(jq -r '.Origin.Hash // "unknown"' <<<"$info")
{
  echo "module guardbee.lab/kubernetes"
  grep -E '^go [0-9]' "$upstream"
  echo "require k8s.io/kubernetes v$version"
  sed -nE "s#^[[:space:]]*(replace )?(k8s.io/[a-z0-9-]+) => ./staging/.*#replace \2 => \2 $staging#p" "$upstream"
} >go.mod
{
  echo "//go:build tools"
  echo
  echo "package tools"
  echo
  printf 'import _ "k8s.io/kubernetes/cmd/%s"\n' $PROGRAMS
} >tools.go
echo "STEP 2/$steps kubernetes $version: resolving modules; about 2 min"
go mod tidy -e >tidy.log 2>&1 || { tail -20 tidy.log; exit 1; }

major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=$commit -X $package.buildDate=1970-01-01T00:00:00Z"
done

about() {
  case $1 in
  kube-apiserver) echo "9 min" ;;
  kube-controller-manager) echo "4 min" ;;
  *) echo "1 min" ;;
  esac
}
mkdir -p "$OUT"
step=2
for program in $PROGRAMS; do
  step=$((step + 1))
  echo "STEP $step/$steps $program $version: building; about $(about "$program")"
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$OUT/$program" "k8s.io/kubernetes/cmd/$program"
done
