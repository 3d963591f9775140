#!/bin/bash
# Everything that is checked: gcc and clang, unit, laws, contracts, scenarios,
# sanitizers, fuzzers over their corpora, tidy, live tests with real processes.
# Ends with one line: how many passed and failed. A skip is a failure in CI.
set -u
cd "$(dirname "$0")/.."
tools/setup.sh build test || exit 1

passed=0
failed=0
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
    meson test -C "$build" --no-rebuild --print-errorlogs --num-processes 2 >"$log" 2>&1
    local status=$?
    grep -vE '^ *$|^ninja:' "$log" | grep -E '^Ok|FAIL|TIMEOUT|ERROR|SKIP|not ok|rror:' | head -60
    ok=$(sed -n 's/^Ok: *//p' "$log")
    bad=$(awk '/^(Fail|Unexpected Pass|Timeout|Skipped):/ {n += $NF} END {print n + 0}' "$log")
    [ $status = 0 ] || [ "$bad" -gt 0 ] || bad=1
    [ "$bad" = 0 ] || tail -80 "$log"
    passed=$((passed + ${ok:-0}))
    failed=$((failed + bad))
    rm -f "$log"
}

say "gcc: build"
step "gcc build" make -s all || true
[ $failed = 0 ] || { echo "$passed passed, $failed failed"; exit 1; }
say "gcc: unit, laws, golden, contract, scenario"
meson_tests build
say "tidy"
step tidy tools/tidy.sh build

say "clang, ASan and UBSan: build"
if [ ! -e build-san/build.ninja ]; then
    CC=clang meson setup build-san -Dfuzz=true -Db_sanitize=address,undefined \
        -Db_lundef=false >/dev/null || failed=$((failed + 1))
fi
step "clang build" ninja -C build-san --quiet
say "clang, ASan and UBSan: the same tests"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1
meson_tests build-san
say "fuzzers: their corpora, then a few seconds of new input each"
for target in build-san/fuzz/fuzz_*; do
    [ -x "$target" ] && [ -f "$target" ] || continue
    step "$(basename "$target")" tools/fuzz.sh "$(basename "$target" | sed s/fuzz_//)" 5 build-san
done

say "live: real processes"
xml=$(mktemp)
/usr/bin/python3 -m pytest -q -p no:cacheprovider --junitxml="$xml" test/live || true
counts=$(/usr/bin/python3 - "$xml" <<'PY'
import sys, xml.etree.ElementTree as tree
try:
    suite = tree.parse(sys.argv[1]).getroot().find("testsuite")
    total, bad, skipped = (sum(int(suite.get(k)) for k in ks)
                           for ks in (("tests",), ("failures", "errors"), ("skipped",)))
    print(total - bad - skipped, bad + skipped if total else 1)
except Exception as error:
    print(0, 1)
PY
)
rm -f "$xml"
passed=$((passed + ${counts% *}))
failed=$((failed + ${counts#* }))

say "done"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
