#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From a request to "every cluster holds it", with real processes on one machine.

    bench/bench_converge.py [--build build] [--json] [--clusters 5,20] [--runs 5]

For each number of clusters on the embedded bus, delta_t 10 s, and for rings of 2^12 and
2^16 partitions x 3 on 20 devices, in wall milliseconds:

    create   from sending the request to the last cluster's file being in force
    join     a new cluster with an empty disk: from its start to its file
    return   one that was killed and missed an update: from its start to its file

A cluster's file is in force when data/rings/NAME.ring is the new record. "start" is the
time until the process answers /livez, so that join and return can be told from it.
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "live"))

import world as live  # noqa: E402


def big(part_power, note):
    return {"partition_power": part_power, "replicas": 3, "note": note,
            "devices": [{"name": f"d{i}", "region": f"r{i % 5}", "zone": f"z{i % 10}",
                         "weight": 100 + i} for i in range(20)]}


def wait_file(cluster, ring, inode_before, digest, deadline=60):
    """Until the cluster's ring file is another one that is the wanted record."""
    path = cluster.data / "rings" / f"{ring}.ring"
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        try:
            stat = os.stat(path)
            if stat.st_ino != inode_before and path.read_bytes() == digest():
                return
        except OSError:
            pass
        time.sleep(0.0005)
    raise SystemExit(f"{cluster.name} did not get {ring}: {cluster.tail()}")


def inode(cluster, ring):
    try:
        return os.stat(cluster.data / "rings" / f"{ring}.ring").st_ino
    except OSError:
        return None


def one_run(world, clusters, run, part_power, spare):
    """Milliseconds of one create, one return and one join."""
    first, last = clusters[0], clusters[-1]
    ring = f"r{run}"
    source = first.data / "rings" / f"{ring}.ring"
    began = time.monotonic()
    made = first.create(ring, big(part_power, ""))
    assert made.status == 201, made.body
    for cluster in clusters:
        wait_file(cluster, ring, None, source.read_bytes)
    create = time.monotonic() - began

    last.kill()
    before = inode(last, ring)
    made = first.update(ring, big(part_power, "second"))
    assert made.status == 200, made.body
    began = time.monotonic()
    last.start(ready=False)
    wait_file(last, ring, before, source.read_bytes)
    returned = time.monotonic() - began
    live.until(last.alive, "back", last)

    joiner = world.cluster(f"{spare}{run}")
    began = time.monotonic()
    joiner.start(ready=False)
    wait_file(joiner, ring, None, source.read_bytes)
    joined = time.monotonic() - began
    live.until(joiner.alive, "joined", joiner)
    started = time.monotonic()
    joiner.kill()
    joiner.start()
    start = time.monotonic() - started
    joiner.stop()
    world.clusters.pop(joiner.name)
    return {"create": create * 1e3, "return": returned * 1e3, "join": joined * 1e3,
            "start": start * 1e3}


def measure(count, part_power, runs):
    with live.new_world() as world:
        slow = {"announce-interval": 10, "inactive-after": 30}
        clusters = [world.cluster(f"c{i}", **slow) for i in range(count)]
        for cluster in clusters:
            cluster.start(ready=False)
        for cluster in clusters:
            live.until(cluster.alive, "started", cluster)
        live.until(lambda: len(clusters[0].get("/v1/clusters").json["clusters"]) == count,
                   "all are known", clusters[0])
        results = [one_run(world, clusters, run, part_power, "j") for run in range(runs)]
    return {"clusters": count, "part_power": part_power,
            **{key: {"median": statistics.median(r[key] for r in results),
                     "best": min(r[key] for r in results)} for key in results[0]}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=None, type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clusters", default="5,20")
    parser.add_argument("--runs", default=5, type=int)
    args = parser.parse_args()
    if args.build is not None:
        live.MCOSD = args.build / "src" / "app" / "mcosd"
    rows = [measure(int(count), part_power, args.runs)
            for count in args.clusters.split(",") for part_power in (12, 16)]
    if args.json:
        print(json.dumps(rows, indent=1))
        return
    print("milliseconds, median (best)     create            return              join"
          "     (a start alone)")
    for row in rows:
        cells = "".join(f"{row[key]['median']:9.0f} ({row[key]['best']:5.0f})"
                        for key in ("create", "return", "join", "start"))
        print(f"{row['clusters']:3} clusters, 2^{row['part_power']}  {cells}")


if __name__ == "__main__":
    main()
