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
# Two at a time: a process for each file takes longer than what it does.
unformatted=$(git ls-files '*.[ch]' | xargs -P 2 -n 40 clang-format --dry-run -Werror 2>&1) ||
    say "run clang-format -i on" $(echo "$unformatted" |
        sed -n 's/^\([^: ]*\):.*code should be clang-formatted.*/\1/p' | sort -u)
for f in $ours; do
    case $f in *.def) continue ;; esac
    lines=$(wc -l <"$f")
    most=1000 # a test is a list
    case $f in src/* | include/* | sim/* | module/*) most=600 ;; esac
    [ "$lines" -le $most ] || say "$f: $lines lines: which second noun moved in?"
    head -1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || say "$f: no licence line"
done
words='\b(strcpy|strcat|sprintf|strtok|atoi|atol|system|gets|rand|srand)[(]'
for f in $(git ls-files 'src/*.[ch]' 'include/*.h' 'sim/*.[ch]' 'module/*.[ch]'); do
    grep -nE "$words" "$f" | sed "s|^|tidy: $f: banned call: |" | grep . && bad=1
done
grep -nE '\b(TOD[O]|FIXM[E]|XX[X]|HAC[K])\b' $ours | grep -vE '#[0-9]+' | grep . && say "unfinished marks without an issue's number"
git ls-files 'src/*.h' 'include/*.h' 'module/*.h' | xargs -P 2 -I{} sh -c '
    gcc -std=gnu11 -D_GNU_SOURCE "-DMCOS_VERSION=\"\"" -fsyntax-only -Iinclude -Isrc -Imodule -x c "$1" 2>/dev/null ||
        { echo "tidy: $1: does not compile alone"; exit 1; }' sh {} || bad=1
# No float decides anything where two machines must agree. These four have some, for
# people to read, and what they declare is used in the upper rooms only.
for f in $(git ls-files 'src/base/*.[ch]' 'src/ring/*.[ch]' 'src/sync/*.[ch]' |
    grep -vxE 'src/(base/decimal.[ch]|ring/(measure|explain).c|ring/(build|explain).h)'); do
    gcc -fpreprocessed -dD -E -P -x c "$f" 2>/dev/null | sed -E 's/"([^"\\]|\\.)*"/""/g' |
        grep -nE '\b(float|double)\b|\b[0-9]+\.[0-9]*|\b[0-9]+e[+-]?[0-9]+|(balance|max_deviation|dispersion|wants) *[-+*/<>]?=?=? ' |
        sed "s|^|tidy: $f: a float: |" | grep . && bad=1
done
# A module shows its server one door, and can reach neither file nor socket.
shown=$(nm -D --defined-only "$build/module/redis/mcos.so" | awk '{print $3}')
[ "$shown" = RedisModule_OnLoad ] || say "mcos.so shows: $shown"
reaches=$(nm -D -u "$build/module/redis/mcos.so" | awk '$1 == "U" {sub(/@.*/, "", $2); print $2}' |
    grep -vxE '(mem|str)[a-z]*|[cm]alloc|realloc|free|qsort|v?snprintf|(SHA256|MD5)_.*|XXH.*|__.*' | grep .) &&
    say "mcos.so calls: $reaches"
# Every error and every note is explained to people.
for slug in $(sed -n 's/^    X([A-Z]*, -[0-9]*, [A-Z]*, [0-9]*, [0-9]*, "\([a-z-]*\)".*/\1/p' include/mcos/err.h); do
    grep -rq -- "\`$slug\`" docs || say "docs/: no word about the error $slug"
done
for event in $(sed -n 's/^X([A-Z_]*, [A-Z]*, "\([a-z-]*\)".*/\1/p' src/sync/notes.def); do
    grep -q -- "\`$event\`" docs/operate.md || say "docs/operate.md: no word about the event $event"
done
[ $bad = 0 ] && echo "tidy: clean"
exit $bad
