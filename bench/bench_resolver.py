#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a resolver costs beside its table, and how late it is while a ring is replaced.

    bench/bench_resolver.py [--build build] [--runs 5] [--seconds 3]

An agent of its own holds one ring of 2^20 x 3 on 1000 devices; bench-resolver (see there)
looks names up in the agent's folder. Then one look-up after the other is timed, quiet and
while the agent makes version after version of that ring, in turns; of each the best run.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "live"))

import world as live  # noqa: E402


def spec(weight):
    return {"partition_power": 20, "replicas": 3,
            "devices": [{"name": f"d{i}", "region": f"r{i % 4}", "zone": f"z{i % 20}",
                         "weight": weight if i == 7 else 100} for i in range(1000)]}


class Changes(threading.Thread):
    """Updates the ring again and again until told to stop."""

    def __init__(self, cluster):
        super().__init__()
        self.cluster, self.over, self.made = cluster, threading.Event(), 0

    def run(self):
        while not self.over.is_set():
            assert self.cluster.update("big", spec(100 + self.made % 2)).status == 200
            self.made += 1


def late(program, folder, seconds):
    said = subprocess.run([program, folder, "big", str(seconds)], check=True,
                          capture_output=True, text=True).stdout
    return {name: int(n) for name, n in re.findall(r"(median|p99|p99\.9|versions) (\d+)", said)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    live.MCOSD = args.build / "src" / "app" / "mcosd"
    program = args.build / "bench" / "bench-resolver"
    with live.new_world() as world:
        cluster = world.start("eu", alone=True)
        assert cluster.create("big", spec(100)).status == 201
        folder = str(cluster.data)
        subprocess.run([program, folder, "big"], check=True)
        quiet, busy = [], []
        for _ in range(args.runs):
            quiet.append(late(program, folder, args.seconds))
            changes = Changes(cluster)
            changes.start()
            try:
                busy.append(late(program, folder, args.seconds))
            finally:
                changes.over.set()
                changes.join()
    for name in ("median", "p99", "p99.9"):
        one, other = min(run[name] for run in quiet), min(run[name] for run in busy)
        print(f"a look-up, {name:7} quiet {one:6} ns; while the ring is replaced {other:6} ns: "
              f"{other / one:.2f}")
    print(f"versions that answered in a run: {min(run['versions'] for run in busy)} to "
          f"{max(run['versions'] for run in busy)}")


if __name__ == "__main__":
    main()
