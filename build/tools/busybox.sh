#!/bin/bash
# Debian's busybox-static, unpacked and not installed: $OUT/busybox, and its licence: $OUT/copyright.
set -euo pipefail
: "${OUT:?}" "${WORK:?}"

cd "$WORK"
echo "STEP 1/1 busybox-static: fetching; about 5 s"
apt-get download -qq busybox-static
mkdir root
dpkg-deb -x ./*.deb root
binary=root/bin/busybox
[[ -f $binary ]] || binary=root/usr/bin/busybox
install -m 755 "$binary" "$OUT/busybox"
install -m 644 root/usr/share/doc/busybox-static/copyright "$OUT/copyright"
