#!/bin/bash
# Kubernetes' five binaries from its Go module, into $OUT. The module carries no staging
# folders, so each staging repository comes from its own published module of the same release.
set -euo pipefail
version=1.37.2
staging="v0.${version#1.}"
: "${OUT:?}" "${WORK:?}"

cd "$WORK"
echo "STEP 1/7 kubernetes $version: fetching modules; about 1 min"
info=$(go mod download -json "k8s.io/kubernetes@v$version")
upstream=$(jq -r .GoMod <<<"$info")
commit=$(jq -r '.Origin.Hash // "unknown"' <<<"$info")
{
  echo "module guardbee.lab/kubernetes"
  grep -E '^go [0-9]' "$upstream"
  echo "require k8s.io/kubernetes v$version"
  sed -nE "s#^[[:space:]]*(replace )?(k8s.io/[a-z0-9-]+) => ./staging/.*#replace \2 => \2 $staging#p" "$upstream"
} >go.mod
cat >tools.go <<'GO'
//go:build tools

package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
GO
echo "STEP 2/7 kubernetes $version: resolving modules; about 2 min"
go mod tidy -e >tidy.log 2>&1 || { tail -20 tidy.log; exit 1; }

major=${version%%.*}
minor=${version#*.}
minor=${minor%%.*}
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=$commit -X $package.buildDate=1970-01-01T00:00:00Z"
done

mkdir -p "$OUT"
build() { # number, command, minutes
  echo "STEP $1/7 $2 $version: building; about $3"
  CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$OUT/$2" "k8s.io/kubernetes/cmd/$2"
}
build 3 kube-apiserver "9 min"
build 4 kube-controller-manager "4 min"
build 5 kube-scheduler "20 s"
build 6 kubelet "1 min"
build 7 kubectl "50 s"
