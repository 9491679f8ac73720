#!/bin/bash
# The lab kernel from Debian's linux-source-6.1: tinyconfig, plus kernel.config ($CONFIG), into
# $OUT/vmlinuz and $OUT/config. Fails with the list of wanted options that Kconfig did not take.
set -euo pipefail
version=6.1.192-2
: "${OUT:?}" "${WORK:?}" "${CONFIG:?}"

cd "$WORK"
echo "STEP 1/3 linux-source-6.1 $version: fetching and unpacking; about 1 min"
if ! apt-get download -qq "linux-source-6.1=$version" 2>download.log; then
  cat download.log
  echo "STEP 1/3 linux-source-6.1 $version: no longer offered, taking the newest 6.1 instead"
  apt-get download -qq linux-source-6.1
fi
dpkg-deb --fsys-tarfile linux-source-6.1_*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz | tar -xJ
rm -f linux-source-6.1_*.deb
cd linux-source-6.1

echo "STEP 2/3 lab kernel $version: configuring; about 20 s"
make -s tinyconfig
./scripts/kconfig/merge_config.sh -m .config "$CONFIG" >merge.log
make -s olddefconfig
refused=()
while IFS= read -r line; do
  option=${line%%=*} want=${line#*=}
  if [[ $want == n ]]; then
    grep -qE "^$option=" .config && refused+=("$line")
  else
    grep -qxF "$line" .config || refused+=("$line")
  fi
done < <(grep -E '^CONFIG_' "$CONFIG")
if ((${#refused[@]})); then
  printf 'kernel.config: %s was not taken\n' "${refused[@]}" >&2
  exit 1
fi

echo "STEP 3/3 lab kernel $version: compiling; 6 to 15 min"
export KBUILD_BUILD_TIMESTAMP="Thu Jan  1 00:00:00 UTC 1970" KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=guardbee
make -s -j"$(nproc)" bzImage
cp arch/x86/boot/bzImage "$OUT/vmlinuz"
cp .config "$OUT/config"
