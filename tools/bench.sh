#!/bin/sh
# Every figure we quote, measured beside its peer in the same run. Three to five minutes.
set -eu
cd "$(dirname "$0")/.."
echo "== look-ups beside Swift's Ring.get_nodes (names per CPU second)"
/usr/bin/python3 bench/bench_lookup.py
echo
echo "== building and rebalancing beside swift-ring-builder"
/usr/bin/python3 bench/bench_builder.py "$@"
echo
echo "== building and rebalancing large rings, ours alone"
build/bench/bench_build
echo
echo "== a ring as its difference from its parent, beside zstd --patch-from"
build/bench/bench_delta
echo
echo "== the registry in Redis, beside SET and GET (microseconds)"
/usr/bin/python3 bench/bench_redis.py
echo
echo "== create, return and join with real agents on one machine"
/usr/bin/python3 bench/bench_converge.py
