#!/bin/sh
# Installs the Debian packages that are missing for the given sets (build, demo,
# test, bench); says nothing and does nothing when all are there.
#
#     tools/setup.sh build test
#
# No service is started by an installation: a policy file refuses it meanwhile, in the
# place of the machine's own if that would allow it. Servers that came with it are
# not started at the next boot either; one that was here before is left as it is.
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

# sudo may ask for the password where there is somebody to ask.
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1 &&
    { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
    as_root=sudo
else
    echo "Debian packages are missing, and only root may install them. As root, run" >&2
    echo "    apt-get update && apt-get install --no-install-recommends$missing" >&2
    echo "and then the same make again." >&2
    exit 1
fi

log=$(mktemp)
policy=/usr/sbin/policy-rc.d
ours="refused by mcos tools/setup.sh"
theirs=$policy.kept-by-mcos
clean_up() {
    if grep -qs "$ours" $policy; then $as_root rm -f $policy; fi
    if [ -e $theirs ]; then $as_root mv -f $theirs $policy; fi
}
# What Debian's packages would start: these, as far as they are not here yet.
new_servers=
for package in erlang-base etcd-server memcached rabbitmq-server redis-server; do
    dpkg-query -L "$package" >/dev/null 2>&1 || new_servers="$new_servers $package"
done
switch_off() {
    for package in $new_servers; do
        for path in $(dpkg-query -L "$package" 2>/dev/null || true); do
            case $path in
            *@.*) ;;
            */lib/systemd/system/*.service | */lib/systemd/system/*.socket)
                $as_root deb-systemd-helper disable "${path##*/}" >/dev/null 2>&1 || true
                ;;
            /etc/init.d/*) $as_root update-rc.d "${path##*/}" disable >/dev/null 2>&1 || true ;;
            esac
        done
    done
}
# dash runs no EXIT trap when a signal ends it, only when a trap does.
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
clean_up # of a run that was killed
# Asked as invoke-rc.d does: 101 is no. A machine that refuses by itself keeps its own.
refused=0
if [ -x $policy ]; then $policy memcached start >/dev/null 2>&1 || refused=$?; fi
if [ $refused != 101 ]; then
    if [ -e $policy ]; then $as_root mv $policy $theirs; fi
    printf '#!/bin/sh\n# %s\nexit 101\n' "$ours" | $as_root tee $policy >/dev/null
    $as_root chmod 755 $policy
fi

# sudo forgets the environment; another apt (a new machine updates itself) is waited for.
apt() {
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" \
        </dev/null >>"$log" 2>&1
}
install() {
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $missing
}
echo "Installing, a minute or two:$missing"
# A sign of life every few seconds: what apt says it is doing.
tail --pid=$$ -n +1 -f "$log" 2>/dev/null | {
    steps=0
    while read -r word rest; do
        case $word in
        Need) echo "  $word $rest" ;;
        Unpacking | Setting)
            steps=$((steps + 1))
            [ $((steps % 10)) != 0 ] || echo "  $steps: $word $rest"
            ;;
        esac
    done
} &
status=0
if ! install; then
    # The lists may be missing or old: fetch them once, then try again.
    echo "  fetching the lists of packages"
    apt update || echo "apt-get update failed" >>"$log"
    install || status=1
fi
switch_off # of what came, also if not all did
if [ $status != 0 ]; then
    grep -E '^(E|W|Err):?' "$log" | grep -v 'Unable to locate\|has no installation' | sort -u | tail -10 >&2
    echo "Installing failed; the whole log: $log" >&2
    exit 1
fi
rm -f "$log"
