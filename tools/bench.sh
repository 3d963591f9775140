#!/bin/sh
# Every figure we quote, measured beside its peer in the same run. A quarter of an hour;
# --quick: about four minutes, with fewer clusters and sizes.
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
--quick) quick=--quick ;;
"") quick= ;;
*) echo "usage: tools/bench.sh [--quick]" >&2 && exit 2 ;;
esac
echo "== look-ups beside Swift's Ring.get_nodes (names per CPU second)"
/usr/bin/python3 bench/bench_lookup.py
echo
echo "== look-ups in batches beside ketama, jump hash, CRUSH, OpenSSL and Swift"
/usr/bin/python3 bench/bench_batch.py
echo
echo "== a resolver: opening, holding, looking up, and while its ring is replaced"
/usr/bin/python3 bench/bench_resolver.py ${quick:+--runs 2}
echo
echo "== mcos-resolver beside an echo server and nginx"
/usr/bin/python3 bench/bench_service.py $quick
echo
echo "== building and rebalancing beside swift-ring-builder"
/usr/bin/python3 bench/bench_builder.py $quick
if [ -z "$quick" ]; then
    echo
    echo "== building and rebalancing large rings, ours alone"
    build/bench/bench_build
fi
echo
echo "== what quotas leave open: first places, shared partitions, ranges (1 is chance)"
build/bench/bench_spread
echo
echo "== a ring as its difference from its parent, beside zstd --patch-from"
build/bench/bench_delta
echo
echo "== the registry in Redis, beside SET and GET (microseconds)"
/usr/bin/python3 bench/bench_redis.py
echo
echo "== create, return and join with real agents on one machine, the embedded bus"
/usr/bin/python3 bench/bench_converge.py ${quick:+--clusters 5 --runs 3}
echo
echo "== create, return and join over RabbitMQ, beside plain consumers, etcd and Redis"
/usr/bin/python3 bench/bench_broker.py $quick
echo
echo "== a quiet delta_t over RabbitMQ, by the broker's own counters"
/usr/bin/python3 bench/bench_quiet.py $quick
