#!/bin/sh
# What a machine can check of the house (CONTRIBUTING.md). Given the build folder.
set -u
cd "$(dirname "$0")/.."
build=$1
bad=0
say() {
    echo "tidy: $*"
    bad=1
}

ours=$(git ls-files '*.[ch]' '*.def')
[ -n "$ours" ] || { say "git lists no files here: nothing was checked"; exit 1; }
tools/check-layers.sh "$build/libmcos-core.a" || bad=1
for f in $(git ls-files '*.[ch]'); do
    clang-format --dry-run -Werror "$f" >/dev/null 2>&1 || say "$f: run clang-format -i on it"
done
for f in $ours; do
    case $f in *.def) continue ;; esac
    lines=$(wc -l <"$f")
    most=1000 # a test is a list
    case $f in src/* | include/* | sim/*) most=600 ;; esac
    [ "$lines" -le $most ] || say "$f: $lines lines: which second noun moved in?"
    head -1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || say "$f: no licence line"
done
words='\b(strcpy|strcat|sprintf|strtok|atoi|atol|system|gets|rand|srand)[(]'
for f in $(git ls-files 'src/*.[ch]' 'include/*.h' 'sim/*.[ch]'); do
    grep -nE "$words" "$f" | sed "s|^|tidy: $f: banned call: |" | grep . && bad=1
done
grep -nE '\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b' $ours | grep -vE '#[0-9]+' | grep . && say "unfinished marks without an issue's number"
for f in $(git ls-files 'src/*.h' 'include/*.h'); do
    gcc -std=gnu11 -D_GNU_SOURCE -DMCOS_VERSION='""' -fsyntax-only -Iinclude -Isrc -x c "$f" 2>/dev/null ||
        say "$f: does not compile alone"
done
# Every error and every note is explained to people.
for slug in $(sed -n 's/^    X([A-Z]*, -[0-9]*, [A-Z]*, [0-9]*, [0-9]*, "\([a-z-]*\)".*/\1/p' include/mcos/err.h); do
    grep -rq -- "\`$slug\`" docs || say "docs/: no word about the error $slug"
done
for event in $(sed -n 's/^X([A-Z_]*, [A-Z]*, "\([a-z-]*\)".*/\1/p' src/sync/notes.def); do
    grep -q -- "\`$event\`" docs/operate.md || say "docs/operate.md: no word about the event $event"
done
[ $bad = 0 ] && echo "tidy: clean"
exit $bad
