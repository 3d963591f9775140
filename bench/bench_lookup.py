#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Look-ups beside Swift's own Ring.get_nodes, same ring, same names, same run.

    bench/bench_lookup.py [--build build] [--seconds 2] [--json]

Both sides run in one process on one core and are measured in CPU seconds, in turns
(ours, Swift's, ours, Swift's) with the better of the turns kept. Rings: the golden
2^12 x 2 and a 2^16 x 3 of 100 devices that Swift's RingBuilder makes here from
test/data/swift/inputs. Needs the Debian package python3-swift.
"""
import argparse
import itertools
import json
import pathlib
import subprocess
import tempfile
import time

from swift.common import utils
from swift.common.ring import Ring, RingBuilder

ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = ROOT / "test" / "data" / "swift"
TURNS = 2


def build_ring(folder, source):
    spec = json.loads((DATA / "inputs" / source).read_text())
    builder = RingBuilder(spec["part_power"], spec["replicas"], 0)
    for dev in spec["devices"]:
        builder.add_dev(dict(dev))
    builder.rebalance(seed=spec["seed"])
    builder.get_ring().save(str(folder / "object.ring.gz"))
    (folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = bench\n")


def make_names(count=20000):
    """About 60 bytes each, as object paths are."""
    return [("AUTH_%016x" % (i * 0x9e3779b97f4a7c15 % 2**64), "bucket-%d" % (i % 97),
             "photos/2026/%06d.jpeg" % i) for i in range(count)]


def rate(seconds, names, ask):
    count, began = 0, time.process_time()
    while True:
        for name in names:
            ask(*name)
        count += len(names)
        spent = time.process_time() - began
        if spent >= seconds:
            return count / spent


def swift_rates(folder, names, seconds):
    began = time.process_time()
    ring = Ring(str(folder), ring_name="object")
    ring.get_nodes(*names[0])
    load = time.process_time() - began
    return {
        "import_seconds": load,
        "nodes": rate(seconds, names, ring.get_nodes),
        "first_handoff": rate(seconds, names, lambda *name: next(
            itertools.islice(ring.get_more_nodes(ring.get_part(*name)), 1), None)),
    }


def use_secret(conf):
    utils.HASH_PATH_PREFIX = utils.HASH_PATH_SUFFIX = b""
    utils.SWIFT_CONF_FILE = str(conf)
    utils.validate_hash_conf()


def better(turns):
    pick = lambda key: min if key.endswith("seconds") else max
    return {key: pick(key)(turn[key] for turn in turns) for key in turns[0]
            if key != "sum"}


def bench(folder, build, seconds):
    names = make_names()
    use_secret(folder / "swift.conf")
    ours, swifts = [], []
    with tempfile.NamedTemporaryFile("w", suffix=".names") as file:
        file.write("".join("\t".join(name) + "\n" for name in names))
        file.flush()
        for _ in range(TURNS):
            ours.append(json.loads(subprocess.run(
                [build / "bench" / "bench-lookup", folder / "object.ring.gz",
                 folder / "swift.conf", file.name, str(seconds)],
                check=True, capture_output=True).stdout))
            swifts.append(swift_rates(folder, names, seconds))
    ours, swifts = better(ours), better(swifts)
    return {"mcos": ours, "swift": swifts,
            "ratio": {key: ours[key] / swifts[key] for key in ("nodes", "first_handoff")}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=2, help="CPU seconds per figure")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        built = pathlib.Path(folder)
        build_ring(built, "a_p16_r3_d100.json")
        result = {"g2, 2^12 x 2": bench(DATA / "g2", args.build, args.seconds),
                  "a, 2^16 x 3": bench(built, args.build, args.seconds)}
    if args.json:
        print(json.dumps(result, indent=1))
        return
    print("%-14s %-32s %14s %14s %8s" % ("ring", "names per CPU second", "mcos", "Swift",
                                         "ratio"))
    for ring, figures in result.items():
        for key, value in figures["mcos"].items():
            if key == "import_seconds":
                continue
            peer = figures["swift"].get(key.split("_secret")[0].split("_xxh3")[0])
            print("%-14s %-32s %14s %14s %7.0fx" % (
                ring, key, "{:,.0f}".format(value), "{:,.0f}".format(peer), value / peer))
        print("%-14s %-32s %14.4f %14.4f" % (
            ring, "CPU seconds to load", figures["mcos"]["import_seconds"],
            figures["swift"]["import_seconds"]))


if __name__ == "__main__":
    main()
