#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Building and rebalancing beside swift-ring-builder, same input, same run.

    bench/bench_builder.py [--build build] [--json] [--quick]

The inputs are test/data/swift/inputs: d (2^16 x 3, 20 devices), a (2^16 x 3, 100) and
b (2^18 x 3, 300; not with --quick). The call is the builder alone, in CPU seconds; the
process is `mcos ring build` and `swift-ring-builder ... rebalance`, start to end, the
file written, in CPU seconds of the child. Ours is the best of several runs, for they are
short; Swift's is one. Changes start from each builder's own first ring, ours also with
min_move_seconds ("gentle", Swift's only way), and from the table that Swift made: then
moves can be compared, and both with the figures of the experiment that the builder was
made after. Last, rings that Swift is not asked for. Needs Debian's python3-swift.
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
RUNS = 5
# The experiment: fewest moves, and ms of the call.
EXPERIMENT = {
    ("d", "+ 5 %"): (8280, 15), ("d", "- zone"): (7570, 5), ("d", "- region"): (30280, 7),
    ("a", "+ 5 %"): (7773, 9), ("a", "- zone"): (23281, 11), ("a", "- region"): (31544, 21),
    ("b", "+ 5 %"): (38344, 40), ("b", "- zone"): (85697, 42), ("b", "- region"): (139487, 54),
}
CHANGES = ("+ 5 %", "- zone", "- region")
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


def spec(source, change, gentle):
    return {"partition_power": source["part_power"], "replicas": source["replicas"],
            "overload": source["overload"], "min_move_seconds": 3600 if gentle else 0,
            "hash": "swift-md5",
            "devices": [{"name": f"{d['ip']}:{d['port']}/{d['device']}", "host": d["ip"],
                         "region": str(d["region"]), "zone": str(d["zone"]),
                         "port": d["port"], "device": d["device"], "weight": d["weight"]}
                        for d in devices_after(source, change)]}


def build(mcos, spec_path, out, old=None, runs=RUNS):
    """Best of some runs; what --json tells of one of them."""
    line = [mcos, "ring", "build", "--spec", spec_path, "--out", out, "--name", "bench",
            *(["--from", old] if old else [])]
    best = None
    for _ in range(runs):
        cpu, _ = child_cpu(line)
        # With --json a build explains itself too, which is no part of the comparison.
        report = json.loads(child_cpu([*line, "--json"])[1])
        best = {"process": min(cpu, best["process"]) if best else cpu,
                "call": min(report["cpu_seconds"], best["call"]) if best
                else report["cpu_seconds"],
                "moved": report["moved"], "bound": report["moved_lower_bound"],
                "balance": report["balance"], "violations": report["violations"],
                "below_floor": report["below_floor"], "peak_kb": report["peak_kb"]}
    return best


def ours(mcos, folder, source, change, old, gentle=False):
    text = folder / "spec.json"
    text.write_text(json.dumps(spec(source, change, gentle)))
    out = folder / f"ours{change.replace(' ', '')}.ring"
    return build(mcos, text, out, old), out


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


def swift_cpu(builder, name, seed):
    """The call in this process, then the command line on the same builder file."""
    builder.save(str(name))
    began = time.process_time()
    builder.rebalance(seed=seed)
    call = time.process_time() - began
    process, _ = child_cpu([*RING_BUILDER, name, "rebalance", "--seed", seed])
    return {"call": call, "process": process, "balance": builder.get_balance()}


def swift_first(folder, source):
    """Its first ring: measured, kept as a builder and as a record of ours."""
    builder = swift_builder(source)
    row = swift_cpu(builder, folder / "swift.tmp.builder", source["seed"])
    builder.save(str(folder / "swift.builder"))
    with gzip.open(folder / "swift.ring.gz", "wb") as f:
        builder.get_ring().serialize_v1(f)
    return row


def swift_next(folder, source, change):
    builder = RingBuilder.load(str(folder / "swift.builder"))
    before = table(builder)
    swift_change(builder, source, change)
    row = swift_cpu(builder, folder / "swift.tmp.builder", source["seed"])
    after = table(builder)
    row["moved"] = sum(len({r[p] for r in after} - {r[p] for r in before})
                       for p in range(len(after[0])))
    return row


def measure(mcos, folder, path):
    source = json.loads(path.read_text())
    letter = source["name"][0]

    def row(change, mode, mine, swift):
        return {"input": letter, "change": change, "mode": mode, "ours": mine, "swift": swift,
                "call_ratio": swift["call"] / max(mine["call"], 1e-9),
                "process_ratio": swift["process"] / max(mine["process"], 1e-9)}

    swift = swift_first(folder, source)
    mine, first = ours(mcos, folder, source, "first", None)
    rows = [row("first", "", mine, swift)]
    imported = folder / "swift.ring"
    child_cpu([mcos, "ring", "import-swift", folder / "swift.ring.gz", "--name", "bench",
               "--out", imported])
    for change in CHANGES:
        swift = swift_next(folder, source, change)
        for mode in ("", "gentle"):
            mine, _ = ours(mcos, folder, source, change, first, mode == "gentle")
            rows.append(row(change, mode, mine, swift))
        rows[-2]["from_swift"] = ours(mcos, folder, source, change, imported)[0]
        rows[-2]["experiment"] = EXPERIMENT[(letter, change)]
    return rows


def large(mcos, folder):
    """Rings that Swift is not asked for."""
    rows = []
    for power, replicas, count, regions in ((20, 3, 1000, 3), (20, 8, 5000, 10),
                                            (23, 3, 1000, 3)):
        weights = (1000, 2000, 4000)
        text, next_text = folder / "large.json", folder / "large-next.json"
        first, second = folder / "large.ring", folder / "large-next.ring"
        doc = {"partition_power": power, "replicas": replicas, "min_move_seconds": 0,
               "devices": [{"name": f"d{i}", "region": f"r{i % regions}",
                            "zone": f"z{i // regions % 4}", "host": f"h{i // regions // 32}",
                            "weight": weights[i // regions // 4 % 3] * (100 + i % regions)}
                           for i in range(count)]}
        text.write_text(json.dumps(doc))
        for i, device in enumerate(doc["devices"]):
            device["weight"] += device["weight"] // 4 if i % 7 == 0 else 0
        next_text.write_text(json.dumps(doc))
        name = f"2^{power} x {replicas}, {count} devices in {regions} regions"
        rows.append({"ring": name, "change": "first",
                     **build(mcos, text, first, runs=2)})
        rows.append({"ring": name, "change": "reweight 1/7",
                     **build(mcos, next_text, second, first, runs=2)})
    return rows


def show_beside(rows):
    print("CPU ms, ours / Swift's (ratio)              call                         process"
          "             balance %")
    for row in rows:
        mine, swift = row["ours"], row["swift"]
        print(f"{row['input']:2}{row['change']:9}{row['mode']:7}"
              f"{mine['call'] * 1e3:9.1f} / {swift['call'] * 1e3:7.0f} ({row['call_ratio']:5.0f}x)"
              f"{mine['process'] * 1e3:9.1f} / {swift['process'] * 1e3:7.0f}"
              f" ({row['process_ratio']:4.0f}x)"
              f"   {mine['balance']:5.2f} / {swift['balance']:5.2f}")


def show_from_swift(rows):
    print("\nFrom the table that Swift made   moved: ours (at least) / experiment / Swift"
          "   ms: ours / experiment / Swift")
    for row in rows:
        if "from_swift" not in row:
            continue
        same = row["from_swift"]
        moves, ms = row["experiment"]
        print(f"{row['input']:2}{row['change']:9}"
              f"{same['moved']:22} ({same['bound']}) / {moves} / {row['swift']['moved']}"
              f"{same['call'] * 1e3:22.1f} / {ms} / {row['swift']['call'] * 1e3:.0f}")


def show_large(rows):
    print("\nLarge rings                                            call s  process s  peak MB"
          "     moved  beyond ceil")
    for row in rows:
        print(f"{row['ring']:38}{row['change']:13}{row['call']:10.2f}{row['process']:11.2f}"
              f"{row['peak_kb'] / 1024:9.0f}{row['moved']:10}{row['violations']:13}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="no 2^18 and no large rings")
    args = parser.parse_args()
    names = ["d_p16_r3_d20clusters", "a_p16_r3_d100"] + ([] if args.quick else ["b_p18_r3_d300"])
    mcos = args.build / "src" / "app" / "mcos"
    rows = []
    big = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            rows += measure(mcos, pathlib.Path(folder), INPUTS / f"{name}.json")
        if not args.quick:
            big = large(mcos, pathlib.Path(folder))
    if args.json:
        print(json.dumps({"beside": rows, "large": big}, indent=1))
        return
    show_beside(rows)
    show_from_swift(rows)
    if big:
        show_large(big)


if __name__ == "__main__":
    main()
