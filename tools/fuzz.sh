#!/bin/sh
# One fuzzer: tools/fuzz.sh NAME SECONDS [BUILD]. First every file of its corpus,
# then new inputs for the time given. A crash is written to fuzz/crash-*: put it
# into the corpus once it is mended. A BUILD that is named is taken as it is.
set -eu
cd "$(dirname "$0")/.."
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
name=$1
seconds=$2
build=${3:-build-san}
if [ $# -lt 3 ]; then
    [ -e "$build/build.ninja" ] ||
        CC=clang meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined \
            -Db_lundef=false >/dev/null
    ninja -C "$build" --quiet "fuzz/fuzz_$name" >/dev/null
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log="$work/log"
mkdir "$work/new"
if ! "$build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=3000 \
    -artifact_prefix=fuzz/crash- "$work/new" "fuzz/corpus/$name" >"$log" 2>&1; then
    tail -40 "$log"
    exit 1
fi
grep -E '^Done|^stat::number' "$log" | head -2 | sed "s/^/fuzz_$name: /"
