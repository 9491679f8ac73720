#!/bin/bash
# Debian's packaged kernel $PACKAGE, unpacked and not installed: $OUT/vmlinuz, $OUT/config and
# $OUT/lib/modules with decompressed modules and the tables that modprobe reads.
set -euo pipefail
: "${OUT:?}" "${WORK:?}" "${PACKAGE:?}"

cd "$WORK"
echo "STEP 1/2 $PACKAGE: fetching; about 20 s"
if ! apt-get download -qq "$PACKAGE" 2>download.log; then
  cat download.log
  echo "$PACKAGE: not in the package index; run test/e2e/lab/apt.sh, or change the name in build/items.ts" >&2
  exit 1
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
