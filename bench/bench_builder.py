#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Building and rebalancing beside swift-ring-builder, same input, same run.

    bench/bench_builder.py [--build build] [--json] [--full]

The inputs are test/data/swift/inputs: d (2^16 x 3, 20 devices), a (2^16 x 3, 100),
with --full also b (2^18 x 3, 300). The call is the builder alone, in CPU seconds;
the process is `mcos ring build` and `swift-ring-builder … rebalance`, start to end, the
file written, in CPU seconds of the child. Changes start from each builder's own first
ring, and ours from Swift's too: then moves can be compared. Needs Debian's python3-swift.
"""
import argparse
import gzip
import json
import pathlib
import resource
import subprocess
import tempfile
import time

from swift.common.ring import RingBuilder

ROOT = pathlib.Path(__file__).resolve().parents[1]
INPUTS = ROOT / "test" / "data" / "swift" / "inputs"
RUNS = 3
RING_BUILDER = ["/usr/bin/python3", "-W", "ignore", "-c",
                "import sys; from swift.cli.ringbuilder import main; "
                "sys.argv[0] = 'swift-ring-builder'; sys.exit(main())"]


def child_cpu(command):
    """CPU seconds of one process, and what it printed. Swift's exits 1 on a warning."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout)


def devices_after(source, change):
    devices = [dict(dev) for dev in source["devices"]]
    if change == "+ 5 %":
        devices += [dict(dev) for dev in source["add"]]
    elif change == "- zone":
        gone = source["remove_zone"]
        devices = [d for d in devices
                   if (d["region"], d["zone"]) != (gone["region"], gone["zone"])]
    elif change == "- region":
        devices = [d for d in devices if d["region"] != source["remove_region"]]
    return devices


def spec(source, change):
    return {"partition_power": source["part_power"], "replicas": source["replicas"],
            "overload": source["overload"], "min_move_seconds": 0, "hash": "swift-md5",
            "devices": [{"name": f"{d['ip']}:{d['port']}/{d['device']}", "host": d["ip"],
                         "region": str(d["region"]), "zone": str(d["zone"]),
                         "port": d["port"], "device": d["device"], "weight": d["weight"]}
                        for d in devices_after(source, change)]}


def ours(mcos, folder, source, change, old):
    text = folder / "spec.json"
    text.write_text(json.dumps(spec(source, change)))
    out = folder / f"ours{change.replace(' ', '')}.ring"
    best = None
    for _ in range(RUNS):
        line = [mcos, "ring", "build", "--spec", text, "--out", out, "--name", "bench",
                *(["--from", old] if old else [])]
        cpu, _ = child_cpu(line)
        # With --json a build explains itself too, which is no part of the comparison.
        report = json.loads(child_cpu([*line, "--json"])[1])
        if best is None or cpu < best["process"]:
            best = {"process": cpu, "call": report["cpu_seconds"], "moved": report["moved"],
                    "bound": report["moved_lower_bound"], "balance": report["balance"],
                    "violations": report["violations"]}
    return best, out


def swift_builder(source):
    builder = RingBuilder(source["part_power"], source["replicas"], source["min_part_hours"])
    builder.set_overload(source["overload"])
    for dev in source["devices"]:
        builder.add_dev(dict(dev))
    return builder


def swift_change(builder, source, change):
    """Applies the change to the builder, an hour having passed."""
    builder.pretend_min_part_hours_passed()
    kept = {d["id"] for d in devices_after(source, change)}
    for dev in source["add"] if change == "+ 5 %" else []:
        builder.add_dev(dict(dev))
    for dev in list(builder.devs):
        if dev is not None and dev["id"] not in kept:
            builder.remove_dev(dev["id"])


def table(builder):
    return [list(row) for row in builder._replica2part2dev]


def theirs(folder, source, change):
    """The call in this process, then the command line on the same builder file."""
    builder = swift_builder(source)
    if change != "first":
        builder.rebalance(seed=source["seed"])
        before = table(builder)
        swift_change(builder, source, change)
    name = folder / "swift.builder"
    builder.save(str(name))
    began = time.process_time()
    builder.rebalance(seed=source["seed"])
    call = time.process_time() - began
    process, _ = child_cpu([*RING_BUILDER, name, "rebalance", "--seed", source["seed"]])
    moved = 0
    if change != "first":
        after = table(builder)
        moved = sum(len({row[p] for row in after} - {row[p] for row in before})
                    for p in range(len(after[0])))
    return {"call": call, "process": process, "moved": moved,
            "balance": builder.get_balance()}


def from_swift(mcos, folder, source, change):
    """Our change on Swift's own first table."""
    builder = swift_builder(source)
    builder.rebalance(seed=source["seed"])
    gz = folder / "swift.ring.gz"
    with gzip.open(gz, "wb") as f:
        builder.get_ring().serialize_v1(f)
    old = folder / "swift.ring"
    child_cpu([mcos, "ring", "import-swift", gz, "--name", "bench", "--out", old])
    best, _ = ours(mcos, folder, source, change, old)
    return best


def measure(mcos, folder, path):
    source = json.loads(path.read_text())
    rows = []
    first = None
    for change in ("first", "+ 5 %", "- zone", "- region"):
        mine, out = ours(mcos, folder, source, change, None if change == "first" else first)
        first = first or out
        swift = theirs(folder, source, change)
        row = {"input": source["name"], "change": change, "ours": mine, "swift": swift,
               "call_ratio": swift["call"] / max(mine["call"], 1e-9),
               "process_ratio": swift["process"] / max(mine["process"], 1e-9)}
        if change != "first":
            row["from_swift"] = from_swift(mcos, folder, source, change)
        rows.append(row)
    return rows


def show(rows):
    print("CPU ms, ours / Swift's (ratio)          call                         process"
          "             balance %        moved from Swift's table")
    for row in rows:
        mine, swift = row["ours"], row["swift"]
        line = (f"{row['input'][:8]:9}{row['change']:9}"
                f"{mine['call'] * 1e3:9.1f} / {swift['call'] * 1e3:7.0f} ({row['call_ratio']:5.0f}x)"
                f"{mine['process'] * 1e3:9.1f} / {swift['process'] * 1e3:7.0f}"
                f" ({row['process_ratio']:4.0f}x)"
                f"   {mine['balance']:5.2f} / {swift['balance']:5.2f}")
        if "from_swift" in row:
            same = row["from_swift"]
            line += f"   {same['moved']} (at least {same['bound']}) / {swift['moved']}"
        print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--full", action="store_true", help="also 2^18 x 300")
    args = parser.parse_args()
    names = ["d_p16_r3_d20clusters", "a_p16_r3_d100"] + (["b_p18_r3_d300"] if args.full else [])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            rows += measure(args.build / "src" / "app" / "mcos", pathlib.Path(folder),
                            INPUTS / f"{name}.json")
    if args.json:
        print(json.dumps(rows, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
