#!/bin/sh
# Every arrow points down: who includes whom (tools/layers.txt), and what the
# core libraries given as arguments call: nothing that could reach a clock, a
# socket, a file, a thread or a random source.
set -eu
bad=0
for f in $(find src -name '*.[ch]'); do
    room=${f#src/}
    room=${room%%/*}
    allowed=" $room $(sed -n "s/^$room://p" tools/layers.txt) "
    for dep in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f"); do
        [ "$dep" = mcos ] && continue
        case $allowed in
        *" $dep "*) ;;
        *) echo "$f includes $dep/: an arrow up"; bad=1 ;;
        esac
    done
done
# Between adapters there are no arrows either.
for f in $(find src/adapter -name '*.[ch]'); do
    room=$(echo "$f" | cut -d/ -f3)
    for dep in $(sed -n 's/^#include "adapter\/\([a-z]*\)\/.*/\1/p' "$f"); do
        [ "$dep" = "$room" ] || { echo "$f includes adapter/$dep/: an arrow sideways"; bad=1; }
    done
done
# What is linked into somebody else's server uses the core and its own folder.
for f in $(find module -name '*.[ch]'); do
    own=$(echo "$f" | cut -d/ -f2)
    allowed=" $own $(sed -n 's/^module://p' tools/layers.txt) "
    for dep in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f"); do
        [ "$dep" = mcos ] && continue
        case $allowed in
        *" $dep "*) ;;
        *) echo "$f includes $dep/: an arrow up"; bad=1 ;;
        esac
    done
done
# Inside the core each room is checked alone by its include lines.
pure='mc_.*|mcos_.*|mem(cpy|move|set|cmp|chr)|str(n?len|n?cmp|chr|rchr)|v?snprintf'
pure="$pure|__v?snprintf_chk|__mem(cpy|move|set)_chk|__assert_fail|malloc|calloc|realloc|free|qsort|bsearch"
pure="$pure|(SHA256|MD5)_(Init|Update|Final)|XXH.*|_GLOBAL_.*|__(asan|ubsan|tsan|sanitizer|stack_chk|gcov|sancov).*"
# 128-bit arithmetic of the compiler's own library.
pure="$pure|__u?(div|mod|divmod)ti[34]"
# What the processor can do, which the compiler's own library asked it (__builtin_cpu_supports).
pure="$pure|__cpu_model"
for lib in "$@"; do
    out=$(nm -u "$lib" | awk '$1 == "U" {print $2}' | sort -u | grep -vxE "$pure" || true)
    for symbol in $out; do
        echo "$lib calls $symbol: not pure"
        bad=1
    done
done
exit $bad
