#!/bin/sh
# Installs the Debian packages that are missing for the given sets (build, test,
# bench); says nothing and does nothing when all are there.
#
#     tools/setup.sh build test
#
# No service is started by an installation: a policy file refuses it meanwhile.
set -eu
cd "$(dirname "$0")"

wanted=
for set in "$@"; do
    wanted="$wanted $(sed 's/#.*//' packages.txt | awk -v set="$set" '$2 == set {print $1}')"
done
missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "Packages are missing and only root may install them. Run this, then try again:" >&2
    echo "    apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

echo "Installing:$missing"
policy=/usr/sbin/policy-rc.d
ours=
if [ ! -e $policy ]; then
    ours=yes
    trap '[ -z "$ours" ] || $as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
install() {
    # shellcheck disable=SC2086
    $as_root apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1
}
if ! install; then
    # The lists may be missing or old: fetch them once, then try again.
    $as_root apt-get update -q >>"$log" 2>&1 || true
    if ! install; then
        tail -20 "$log" >&2
        echo "Installing failed; the whole log: $log" >&2
        exit 1
    fi
fi
rm -f "$log"
