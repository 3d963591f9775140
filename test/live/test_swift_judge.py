# SPDX-License-Identifier: Apache-2.0
"""OpenStack Swift judges what we make of its rings.

Rings are built by swift-ring-builder (or written by Swift's RingData where the
builder would be slow), read by our code through test/tool/ringdump, and every
partition, primary and handoff is compared with what Swift's own Ring answers.
Needs the Debian package python3-swift; MCOS_BUILD names the build.
"""
import array
import hashlib
import os
import pathlib
import random
import subprocess

import pytest

from swift.common.ring import Ring, RingData
from swift.common import utils

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MCOS_BUILD", ROOT / "build"))
RINGDUMP = BUILD / "test" / "tool" / "ringdump"
HANDOFFS = 12
# The command of the package `swift`, which would bring a cron and a log daemon along.
RING_BUILDER = ["/usr/bin/python3", "-W", "ignore", "-c",
                "import sys; from swift.cli.ringbuilder import main; "
                "sys.argv[0] = 'swift-ring-builder'; sys.exit(main())"]


@pytest.fixture(autouse=True)
def hash_path(monkeypatch):
    """Swift keeps its secret in two globals; every test here uses this one."""
    monkeypatch.setattr(utils, "HASH_PATH_PREFIX", b"pr\xe9%")
    monkeypatch.setattr(utils, "HASH_PATH_SUFFIX", b"suf")


def names(rng, count):
    letters = "abc/ %?.\u00e9\u5bb9\U0001f600XYZ019"
    text = lambda longest: "".join(rng.choice(letters)
                                   for _ in range(rng.randint(1, longest)))
    for i in range(count):
        yield (text(20), None if i % 7 == 0 else text(20),
               None if i % 7 < 2 else text(300))


def dump(folder, questions):
    """Our answers: the head line, the row lines, one line per question."""
    conf = folder / "swift.conf"
    conf.write_bytes(b"[swift-hash]\nswift_hash_path_prefix = pr\xe9%%\n"
                     b"swift_hash_path_suffix = suf\n")
    lines = "".join("\t".join("\\N" if part is None else part for part in name) + "\n"
                    for name in questions)
    done = subprocess.run([RINGDUMP, folder / "object.ring.gz", conf, str(HANDOFFS)],
                          input=lines.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    out = done.stdout.decode().splitlines()
    return out[0], [l for l in out if l.startswith("#row")], out[1:][
        sum(l.startswith("#row") for l in out):]


def ids(nodes):
    return ",".join(str(node["id"]) for node in nodes)


def judge(folder, rng, count):
    ring = Ring(str(folder), ring_name="object")
    questions = list(names(rng, count))
    head, rows, answers = dump(folder, questions)
    table = ring._replica2part2dev_id
    assert head == "# %d %d %d" % (32 - ring._part_shift,
                                   sum(len(row) for row in table), len(ring.devs))
    for row, line in zip(table, rows):
        little = array.array("H", row)
        assert line == "#row %d %s" % (len(row),
                                       hashlib.sha256(little.tobytes()).hexdigest())
    # A last row without a partition has no place in our table.
    assert len(rows) == sum(1 for row in table if len(row))
    assert len(answers) == len(questions)
    for name, answer in zip(questions, answers):
        part, nodes = ring.get_nodes(*name)
        handoffs = [node for node, _ in zip(ring.get_more_nodes(part), range(HANDOFFS))]
        assert answer == "%d\t%s\t%s" % (part, ids(nodes), ids(handoffs)), name


def builder(folder, *words):
    done = subprocess.run([*RING_BUILDER, str(folder / "object.builder"),
                           *map(str, words)], capture_output=True, timeout=120)
    assert done.returncode < 2, done.stdout.decode() + done.stderr.decode()


def add_devices(folder, rng, count):
    words = []
    for i in range(count):
        ip = "10.%d.0.%d" % (rng.randint(0, 2), rng.randint(1, 6))
        if rng.random() < 0.2:
            ip = "[fd00::%x]" % rng.randint(1, 6)
        words += ["r%dz%d-%s:%d/d%d_m%d" % (rng.randint(0, 3), rng.randint(0, 3), ip,
                                            rng.randint(6200, 6203), i, i),
                  "%g" % rng.choice([100, 33.3, 1e-3, 4000, 0.125])]
    builder(folder, "add", *words)


@pytest.mark.parametrize("seed, power, replicas, devices", [
    (1, 1, "2", 4), (2, 8, "3.25", 20), (3, 6, "2.01", 9), (4, 12, "5.5", 60),
])
def test_rings_of_the_builder_are_read_and_asked_as_swift_does(tmp_path, seed, power,
                                                               replicas, devices):
    rng = random.Random(seed)
    builder(tmp_path, "create", power, replicas, 0)
    add_devices(tmp_path, rng, devices)
    # --force: with a fractional replica Swift counts its moves short, and would
    # not save a ring that it did build.
    builder(tmp_path, "rebalance", "--seed", seed, "--force")
    judge(tmp_path, rng, 100)
    # A removed device leaves a hole, a device of weight 0 drains.
    builder(tmp_path, "remove", "d%d" % (devices // 2))
    builder(tmp_path, "set_weight", "d0", 0)
    builder(tmp_path, "rebalance", "--seed", seed, "--force")
    judge(tmp_path, rng, 100)


def write_ring(folder, rng, power, rows, devices, last=1.0, **more):
    """A ring that no builder made: any device anywhere, but never twice."""
    devs = [None if i % 9 == 4 else dict(
        id=i, region=rng.randint(0, 2), zone=rng.randint(0, 4),
        ip="10.0.0.%d" % rng.randint(1, 9), port=6200, device="d%d" % i,
        weight=1.0, meta="") for i in range(devices)]
    live = [dev["id"] for dev in devs if dev]
    parts = 1 << power
    table = [array.array("H", bytes(2 * (parts if row + 1 < rows else int(parts * last))))
             for row in range(rows)]
    for part in range(parts):
        for row, dev in zip(table, rng.sample(live[1:], rows)):
            if part < len(row):
                row[part] = dev
    RingData(table, devs, 32 - power, **more).save(str(folder / "object.ring.gz"))


@pytest.mark.parametrize("power, rows, last, more", [
    (0, 2, 1.0, {}), (1, 3, 0.5, {}), (5, 3, 0.0, {}), (9, 4, 0.3, {"version": 7}),
    (7, 2, 1.0, {"next_part_power": 8}), (17, 2, 0.75, {"version": 1}),
])
def test_rings_of_any_table_are_read_and_asked_as_swift_does(tmp_path, power, rows, last,
                                                             more):
    rng = random.Random(power)
    write_ring(tmp_path, rng, power, rows, 40, last, **more)
    judge(tmp_path, rng, 60)


@pytest.mark.parametrize("swapped", [False, True])
def test_byte_order_is_read_as_swift_does(tmp_path, swapped, monkeypatch):
    rng = random.Random(swapped)
    write_ring(tmp_path, rng, 6, 3, 12)
    if swapped:
        path = tmp_path / "object.ring.gz"
        data = RingData.load(str(path))
        for row in data._replica2part2dev_id:
            row.byteswap()
        monkeypatch.setattr("sys.byteorder", "big")
        data.save(str(path))
        monkeypatch.undo()
        utils.HASH_PATH_PREFIX, utils.HASH_PATH_SUFFIX = b"pr\xe9%", b"suf"
    judge(tmp_path, rng, 60)
