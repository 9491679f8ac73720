#!/bin/bash
# Makes Debian's packaged 6.12 kernel available to apt: it is in bookworm-security or
# bookworm-backports, and a machine may have neither. Adds backports from the mirror that the
# machine already uses for bookworm. Idempotent; needs root.
set -euo pipefail
package=linux-image-6.12-amd64
list=/etc/apt/sources.list.d/guardbee-backports.list

available() { [[ -n $(apt-cache madison "$package" 2>/dev/null) ]]; }

available && exit 0
apt-get update -qq
available && exit 0
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
  awk '$2 == "bookworm" { print $1; exit }')
if [[ -z $mirror ]]; then
  echo "apt: no source for bookworm; add one, or install $package's line of kernels by hand" >&2
  exit 1
fi
echo "deb $mirror bookworm-backports main" >"$list"
apt-get update -qq
if ! available; then
  echo "apt: $package is not in $mirror bookworm-backports; see $list" >&2
  exit 1
fi
