#!/bin/bash
# Debian's packaged kernel $RELEASE of a suite that this machine does not use, unpacked and not
# installed: what kernel-debian.sh makes of the machine's own suites. The suite's lists are kept here
# alone, so that the machine installs nothing from it. Where it no longer offers that release, the one
# that $META depends on.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${SUITE:?}" "${RELEASE:?}" "${META:?}"

cd "$WORK"
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
  awk '$2 == "bookworm" { print $1; exit }')
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb $mirror $SUITE main" >apt/sources.list
own=(-o "Dir::Etc::sourcelist=$WORK/apt/sources.list" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$WORK/apt/lists" -o "Dir::Cache=$WORK/apt/cache")
echo "STEP 1/2 $RELEASE: fetching; about 20 s"
apt-get "${own[@]}" update -qq
if [[ -z $(apt-cache "${own[@]}" madison "linux-modules-$RELEASE" 2>/dev/null) ]]; then
  newest=$(apt-cache "${own[@]}" depends "$META" |
    awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  if [[ -z $newest ]]; then
    echo "$SUITE: has no $META" >&2
    exit 1
  fi
  echo "STEP 1/2 $RELEASE: no longer offered, taking $newest instead"
  RELEASE=${newest#linux-image-}
fi
apt-get "${own[@]}" download -qq "linux-binary-$RELEASE" "linux-base-$RELEASE" "linux-modules-$RELEASE"
echo "STEP 2/2 $RELEASE: unpacking; about 20 s"
mkdir root
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir -p "$OUT/lib"
mv root/usr/lib/modules "$OUT/lib/modules"
mv "$OUT/lib/modules/$RELEASE/vmlinuz" "$OUT/vmlinuz"
mv "$OUT/lib/modules/$RELEASE/config" "$OUT/config"
find "$OUT/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 xz -d
depmod -b "$OUT" "$RELEASE"
echo "$RELEASE" >"$OUT/release"
