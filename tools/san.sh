#!/bin/sh
# The tests under ASan and UBSan, built by clang.
set -eu
cd "$(dirname "$0")/.."
[ -e build-san/build.ninja ] ||
    CC=clang meson setup build-san -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
ninja -C build-san
UBSAN_OPTIONS=halt_on_error=1 meson test -C build-san --print-errorlogs
