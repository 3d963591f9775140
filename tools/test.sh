#!/bin/bash
# Everything that is checked: gcc and clang, unit, laws, contracts, scenarios,
# sanitizers, fuzzers over their corpora, tidy, live tests with real processes.
# Ends with one line: how many passed and failed. A skip is a failure in CI.
set -u
cd "$(dirname "$0")/.."
tools/setup.sh build test || exit 1

passed=0
failed=0
skipped=0
# Some tests mount a small file system. Who may not gets a name space of his own, where
# the machine allows it; where it does not, these skip, and in CI a skip is a failure.
alone=
if [ "$(id -u)" != 0 ] && unshare -rm true 2>/dev/null; then
    alone="unshare -rm"
fi
skip() {
    [ "$1" = 0 ] && return
    if [ -n "${CI:-}" ]; then failed=$((failed + $1)); else skipped=$((skipped + $1)); fi
}
finish() {
    say "done"
    echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
    [ $failed = 0 ]
    exit
}
started=$SECONDS
say() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - started)); }

# step NAME COMMAND...: one thing that passes or fails.
step() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

# Runs meson's tests of a build and adds up what they say.
meson_tests() {
    local build=$1 log ok bad
    log=$(mktemp)
    # shellcheck disable=SC2086
    $alone meson test -C "$build" --no-rebuild --print-errorlogs --num-processes 2 >"$log" 2>&1
    local status=$?
    grep -vE '^ *$|^ninja:' "$log" | grep -E '^Ok|FAIL|TIMEOUT|ERROR|SKIP|not ok|rror:' | head -60
    ok=$(sed -n 's/^Ok: *//p' "$log")
    bad=$(awk '/^(Fail|Unexpected Pass|Timeout):/ {n += $NF} END {print n + 0}' "$log")
    skip "$(sed -n 's/^Skipped: *//p' "$log")"
    [ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$bad" = 0 ] || tail -80 "$log"
    passed=$((passed + ${ok:-0}))
    failed=$((failed + bad))
    rm -f "$log"
}

say "gcc: build"
step "gcc build" make -s all || true
[ $failed = 0 ] || finish
say "gcc: unit, laws, golden, contract, scenario"
meson_tests build
say "tidy"
step tidy tools/tidy.sh build

say "clang, ASan and UBSan: build (a minute or two)"
if [ ! -e build-san/build.ninja ]; then
    CC=clang meson setup build-san -Dfuzz=true -Db_sanitize=address,undefined \
        -Db_lundef=false >/dev/null || failed=$((failed + 1))
fi
before=$failed
step "clang build" ninja -C build-san --quiet
[ $failed = $before ] || finish
say "clang, ASan and UBSan: the same tests (about three minutes)"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
meson_tests build-san
say "clang, ThreadSanitizer: who looks up while rings are replaced"
[ -e build-tsan/build.ninja ] ||
    CC=clang meson setup build-tsan -Db_sanitize=thread -Db_lundef=false >/dev/null
step "threads" sh -c 'ninja -C build-tsan --quiet test/unit/test_resolver_threads &&
    build-tsan/test/unit/test_resolver_threads >/dev/null'
say "fuzzers: their corpora, then a few seconds of new input each"
[ -x build-san/fuzz/fuzz_record ] || step "the fuzzers are built" false
outcomes=$(mktemp -d)
export outcomes
find build-san/fuzz -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x -printf '%f\n' | sort |
    xargs -P 2 -I{} sh -c 'name={}
        if tools/fuzz.sh "${name#fuzz_}" 3 build-san >"$outcomes/$name.log" 2>&1; then
            touch "$outcomes/$name.well"
        fi'
for log in "$outcomes"/fuzz_*.log; do
    cat "$log"
    step "$(basename "$log" .log)" test -e "${log%.log}.well"
done
rm -rf "$outcomes"

say "live: real processes"
xml=$(mktemp)
temporary=$(mktemp -d)
# shellcheck disable=SC2086
$alone /usr/bin/python3 -W ignore::DeprecationWarning -m pytest -q -n 4 --dist loadfile -p no:cacheprovider \
    --basetemp="$temporary/pytest" --junitxml="$xml" test/live || true
counts=$(/usr/bin/python3 - "$xml" <<'PY'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
    total, bad, skipped = (sum(int(suite.get(k)) for k in ks)
                           for ks in (("tests",), ("failures", "errors"), ("skipped",)))
    print(total - bad - skipped, bad if total else 1, skipped)
except Exception:
    print(0, 1, 0)
PY
)
rm -rf "$xml" "$temporary"
read -r well bad skips <<<"$counts"
passed=$((passed + well))
failed=$((failed + bad))
skip "$skips"
finish
