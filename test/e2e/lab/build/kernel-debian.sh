#!/bin/bash
# Debian's packaged kernel $PACKAGE, unpacked and not installed: $OUT/vmlinuz, $OUT/config and
# $OUT/lib/modules with decompressed modules and the tables that modprobe reads. Where Debian no
# longer offers that package, the one that $META depends on, the newest of the same line.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${PACKAGE:?}" "${META:?}" "${APT:?}"

cd "$WORK"
echo "STEP 1/2 $PACKAGE: fetching; about 20 s"
"$APT" >apt.log 2>&1 || cat apt.log
if ! apt-get download -qq "$PACKAGE" 2>download.log; then
  cat download.log
  newest=$(apt-cache depends "$META" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
  if [[ -z $newest ]]; then
    echo "$META: no package source of this machine has it; see test/e2e/lab/apt.sh" >&2
    exit 1
  fi
  echo "STEP 1/2 $PACKAGE: no longer offered, taking $newest instead"
  apt-get download -qq "$newest"
fi
echo "STEP 2/2 $PACKAGE: unpacking; about 20 s"
mkdir root
dpkg-deb -x ./*.deb root
release=$(basename root/boot/vmlinuz-*)
release=${release#vmlinuz-}
cp "root/boot/vmlinuz-$release" "$OUT/vmlinuz"
cp "root/boot/config-$release" "$OUT/config"
mkdir -p "$OUT/lib"
modules=root/lib/modules
[[ -d $modules ]] || modules=root/usr/lib/modules
mv "$modules" "$OUT/lib/modules"
find "$OUT/lib/modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 xz -d
find "$OUT/lib/modules" -name '*.ko.zst' -print0 | xargs -0 -r -n 64 zstd -q -d --rm
rm -f "$OUT/lib/modules/$release/build" "$OUT/lib/modules/$release/source"
depmod -b "$OUT" "$release"
echo "$release" >"$OUT/release"
