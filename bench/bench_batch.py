#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Look-ups in batches beside ketama, jump hash, CRUSH, OpenSSL and Swift, same run.

    bench/bench_batch.py [--build build] [--seconds 1] [--json]

One ring, 2^20 x 3 on 1000 equal devices (4 regions, 5 zones each, 10 hosts, 5 devices), made
by `mcos ring build`; `mcos ring export-swift` gives the same ring to Swift's own Ring. The
same 65,536 names are asked of all, of 32 bytes and of about 60, in turns of a few
milliseconds; the best turn counts, in CPU time. Peers: libmemcached's
memcached_generate_hash (ketama, 100 servers, the most it takes), jump hash and a ring of
160 points for each of 1000 devices (one owner each), CRUSH with straw2 buckets over the
devices above (three of them in three zones), OpenSSL's EVP_Digest and MD5() (the digest
alone) and Swift's Ring.get_nodes. Needs the Debian package python3-swift.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

from swift.common import utils
from swift.common.ring import Ring

ROOT = pathlib.Path(__file__).resolve().parents[1]
NAMES = 65536
MIX = 0x9e3779b97f4a7c15
KINDS = {
    "32 bytes": lambda i: ("AUTH_%03x" % (i * MIX % 4096), "box-%02d" % (i % 97),
                           "img-%08d.jpg" % (i * MIX % 10**8)),
    "60 bytes": lambda i: ("AUTH_%016x" % (i * MIX % 2**64), "bucket-%02d" % (i % 97),
                           "photos/2026/%06d.jpeg" % i),
}
# ours, the peer, the goal of the issue
RATIOS = [
    ("xxh3_batch", "ketama", 10), ("xxh3_batch", "jump", 4), ("xxh3_batch", "points", None),
    ("xxh3_batch", "crush", 200), ("xxh3_batch", "xxh3_single", None),
    ("xxh3_batch_parts", "ketama", 10), ("xxh3_batch_parts", "jump", 4),
    ("xxh3_batch_parts", "crush", 200),
    ("md5_batch", "openssl_evp_digest", 4), ("md5_batch", "openssl_md5", None),
    ("md5_batch_portable", "openssl_evp_digest", None), ("md5_batch", "md5_single", None),
    ("md5_batch", "swift_get_nodes", 1000), ("xxh3_batch_parts", "swift_get_nodes", 1000),
    ("xxh3_batch", "swift_get_nodes", 1000),
]


def make_ring(mcos, folder):
    devices = [{"name": f"d{r}-{z}-{h}-{d}", "region": f"r{r}", "zone": f"z{z}",
                "host": f"h{r}-{z}-{h}", "port": 6200, "device": f"sd{d}", "weight": 100}
               for r in range(4) for z in range(5) for h in range(10) for d in range(5)]
    (folder / "spec.json").write_text(json.dumps({
        "partition_power": 20, "replicas": 3, "overload": 0, "min_move_seconds": 0,
        "hash": "swift-md5", "devices": devices}))
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = bench\n")
    run = lambda *words: subprocess.run([mcos, "ring", *words], cwd=folder, check=True,
                                        capture_output=True)
    run("build", "--spec", "spec.json", "--out", "bench.ring", "--name", "bench")
    run("export-swift", "./bench.ring", "-o", "object.ring.gz")


def swift_ns(folder, names, seconds):
    """Nanoseconds of CPU per name, the best of many turns of 512 names."""
    utils.HASH_PATH_PREFIX = utils.HASH_PATH_SUFFIX = b""
    utils.SWIFT_CONF_FILE = str(folder / "swift.conf")
    utils.validate_hash_conf()
    ring = Ring(str(folder), ring_name="object")
    ring.get_nodes(*names[0])
    best, end = None, time.process_time() + seconds
    while time.process_time() < end:
        for at in range(0, len(names), 512):
            began = time.process_time()
            for name in names[at:at + 512]:
                ring.get_nodes(*name)
            spent = (time.process_time() - began) / 512 * 1e9
            best = spent if best is None or spent < best else best
    return best


def bench(folder, build, names, seconds):
    (folder / "names").write_text("".join("\t".join(name) + "\n" for name in names))
    figures = json.loads(subprocess.run(
        [build / "bench" / "bench-batch", folder / "bench.ring", folder / "swift.conf",
         folder / "names", str(seconds)], check=True, capture_output=True).stdout)
    figures["swift_get_nodes"] = swift_ns(folder, names, seconds)
    ratios = [{"ours": ours, "peer": peer, "goal": goal,
               "ratio": figures[peer] / figures[ours]} for ours, peer, goal in RATIOS]
    for kind in ("xxh3_batch", "md5_batch"):
        ratios.append({"ours": kind, "peer": "two threads, of one", "goal": 1.9,
                       "ratio": 2 * figures[kind] / figures[kind + "_two_threads"]})
    return {"ns": figures, "ratios": ratios}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=1, help="CPU seconds per figure")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    build = args.build.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_ring(build / "src" / "app" / "mcos", folder)
        result = {kind: bench(folder, build, [make(i) for i in range(NAMES)], args.seconds)
                  for kind, make in KINDS.items()}
    if args.json:
        print(json.dumps(result, indent=1))
        return
    for kind, answer in result.items():
        print("names of %s, nanoseconds of CPU each" % kind)
        for key, value in answer["ns"].items():
            print("  %-28s %10.1f" % (key, value))
        for row in answer["ratios"]:
            print("  %-20s %-22s %7.1fx%s" % (
                row["ours"], row["peer"], row["ratio"],
                "" if row["goal"] is None else "   goal %g" % row["goal"]))


if __name__ == "__main__":
    main()
