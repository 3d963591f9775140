# SPDX-License-Identifier: Apache-2.0
"""The Python package over libmcos: golden vectors, Swift's own Ring beside it, a real agent,
and everything that a program might do wrong."""
import contextlib
import ctypes
import dataclasses
import hashlib
import itertools
import json
import os
import random
import subprocess
import textwrap
import threading

import pytest
from swift.common import utils
from swift.common.ring import Ring as SwiftRing, RingBuilder

from pybinding import ENV, FOLDER
from test_swift_judge import names
from world import BUILD, DEADLINE, ROOT, mcos as command, new_world, spec, until

import mcos
import mcos.swift
from mcos import _lib

GOLDEN = ROOT / "test" / "data" / "swift"
PYTHON = "/usr/bin/python3"


def imported(folder, ring_gz, conf, name="object"):
    """An agent's folder with a ring of Swift's."""
    (folder / "rings").mkdir(parents=True, exist_ok=True)
    done = command("ring", "import-swift", ring_gz, "--name", name, "--swift-conf", conf,
                   "--out", folder / "rings" / f"{name}.ring")
    assert done.returncode == 0, done.stderr
    return folder


@contextlib.contextmanager
def opened(chain, ring, **options):
    with mcos.Resolver(str(chain), poll_ms=20, **options) as resolver:
        found = resolver.ring(ring)
        found.wait(DEADLINE)
        yield found


@pytest.fixture(scope="module")
def eu():
    with new_world() as world:
        yield world.start("eu")


@pytest.fixture
def ring(eu, request):
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:60]
    assert eu.create(name, spec()).status == 201
    return name


# ---- what is promised to checkers and compilers ----

def test_the_type_hints_hold(tmp_path):
    done = subprocess.run(["/usr/bin/mypy", "--strict", f"--cache-dir={tmp_path}", FOLDER / "mcos"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_structs_are_laid_out_as_in_the_header(tmp_path):
    structs = {"mcos_diag": _lib.Diag, "mcos_resolver_options": _lib.Options,
               "mcos_view_info": _lib.ViewInfo, "mcos_bytes": _lib.Bytes, "mcos_key": _lib.Key,
               "mcos_answer": _lib.Answer, "mcos_device": _lib.Device,
               "mcos_ring_stats": _lib.RingStats}
    lines, ours = [], []
    for name, struct in structs.items():
        lines.append(f'printf("%zu\\n", sizeof(struct {name}));')
        ours.append(ctypes.sizeof(struct))
        for field, kind in struct._fields_:
            lines.append(f'printf("%zu\\n%zu\\n", offsetof(struct {name}, {field}), '
                         f"sizeof(((struct {name} *)0)->{field}));")
            ours += [getattr(struct, field).offset, ctypes.sizeof(kind)]
    for constant, value in {"MCOS_REPLICAS_MAX": _lib.REPLICAS_MAX, "MCOS_NONE": _lib.NONE,
                            "MCOS_HANDOFFS_MAX": _lib.HANDOFFS_MAX,
                            "MCOS_DIGEST_BYTES": _lib.DIGEST_BYTES,
                            "MCOS_KEEP_PREVIOUS": _lib.KEEP_PREVIOUS,
                            "MCOS_ACTIVE_FIRST": _lib.ACTIVE_FIRST,
                            "MCOS_STATE_LEFT": mcos.State.LEFT, "MCOS_RETRY": 1,
                            "MCOS_HASH_SWIFT_MD5": 2}.items():
        lines.append(f'printf("%zu\\n", (size_t){constant});')
        ours.append(int(value))
    source = tmp_path / "layout.c"
    source.write_text("#include <mcos/resolver.h>\n#include <stdio.h>\n#include <stddef.h>\n"
                      "int main(void)\n{\n" + "\n".join(lines) + "\nreturn 0;\n}\n")
    subprocess.run(["cc", "-I", ROOT / "include", source, "-o", tmp_path / "layout"], check=True)
    said = subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True)
    assert [int(line) for line in said.stdout.split()] == ours


# ---- golden vectors ----

def lines(file):
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line and not line.startswith("#"):
            yield line.split("\t")


def numbers(text):
    return [int(n) for n in text.split(",") if n]


def ids(devices):
    return [device.id for device in devices]


@pytest.mark.parametrize("golden", ["g1", "g2"])
def test_golden_vectors_of_swift(golden, tmp_path):
    data = GOLDEN / golden
    folder = imported(tmp_path, data / "object.ring.gz", data / "swift.conf")
    asked, expected = [], []
    with opened(f"file:{folder}", "object", swift_conf=data / "swift.conf") as ring, \
            ring.hold() as view:
        for *name, _, partition, primaries, handoffs in lines(data / "lookups.tsv"):
            name = tuple(None if part == "\\N" else part for part in name)
            answer = view.lookup(*name)
            assert (answer.partition, ids(answer.devices)) == (int(partition), numbers(primaries))
            assert ids(view.handoffs(answer.partition, 10)) == numbers(handoffs)
            asked.append(name)
            expected.append((int(partition), tuple(numbers(primaries))))
        assert len(asked) > 100
        assert list(ring.lookup_many(asked)) == expected
        assert list(ring.lookup_many([tuple(part and part.encode() for part in name)
                                      for name in asked])) == expected
        for partition, primaries, handoffs in lines(data / "handoffs_full.tsv"):
            assert ids(view.partition(int(partition)).devices) == numbers(primaries)
            assert ids(view.handoffs(int(partition), 1000)) == numbers(handoffs)
        rows = [bytearray() for _ in range(view.info.stride)]
        for partition in range(view.info.partitions):
            for row, device in zip(rows, view.partition(partition).devices):
                row += device.id.to_bytes(2, "little")
        sums = [line.split()[5] for line in (data / "table.sha256").read_text().splitlines()
                if line.startswith("row")]
        assert [hashlib.sha256(row).hexdigest() for row in rows] == sums


def golden_record(folder, file):
    """A golden record as an agent's file: of no system, for its own no name has."""
    record = bytes.fromhex("".join((ROOT / "test" / "golden" / file).read_text().split()[1:]))
    foreign, record = record, record[:16] + bytes(16) + record[32:]
    digest = hashlib.sha256(record[:int.from_bytes(record[12:16], "little")]).hexdigest()
    at = 368 + 32 * record[82]
    name = record[at + 2:at + 2 + int.from_bytes(record[at:at + 2], "little")].decode()
    (folder / "rings").mkdir()
    (folder / "rings" / f"{name}.ring").write_bytes(foreign)
    with mcos.Resolver(f"file:{folder}") as resolver, pytest.raises(mcos.Error) as caught:
        resolver.ring(name).hold()
    assert caught.value.slug == "conflict"
    (folder / "rings" / f"{name}.ring").write_bytes(record)
    return name, record, digest


def test_the_golden_record(tmp_path):
    name, record, digest = golden_record(tmp_path, "record_v1.hex")
    with opened(f"file:{tmp_path}", name, system="mcos") as ring, ring.hold() as view:
        info = view.info
        assert info.digest.hex() == digest and info.ring == name
        assert info.version == int.from_bytes(record[64:72], "little")
        assert info.timestamp == int.from_bytes(record[72:80], "little")
        assert info.partitions == 1 << record[83] and info.stride == record[85]
        assert info.stamp.startswith(f"v{info.version}.{digest[:8]}") or info.epoch > 0
        assert info.source == f"file:{tmp_path}"
        assert sum(len(view.partition(p).devices) for p in range(info.partitions)) == info.assignments
        assert [d.id for d in view.devices()] == \
            sorted({d.id for p in range(info.partitions) for d in view.partition(p).devices}
                   | {d.id for d in view.devices()})


def test_the_golden_tombstone(tmp_path):
    name, _, digest = golden_record(tmp_path, "tombstone_v1.hex")
    with opened(f"file:{tmp_path}", name) as ring:
        with ring.hold() as view:
            assert view.info.deleted and view.info.digest.hex() == digest
            assert list(view.devices()) == []
        for ask in (lambda: ring.lookup("a"), lambda: ring.lookup_many([("a",)]),
                    lambda: ring.handoffs(0)):
            with pytest.raises(mcos.Error) as caught:
                ask()
            assert caught.value.slug == "deleted" and not caught.value.retry


# ---- beside Swift ----

@pytest.fixture
def hash_path(monkeypatch):
    monkeypatch.setattr(utils, "HASH_PATH_PREFIX", b"pr\xe9%")
    monkeypatch.setattr(utils, "HASH_PATH_SUFFIX", b"suf")


def swift_pair(folder, replicas):
    """Swift's own ring, with holes, and ours of the same file."""
    builder = RingBuilder(8, replicas, 0)
    for i in range(14):
        builder.add_dev({"id": i, "region": i % 3, "zone": i % 2, "ip": f"10.0.{i % 5}.{i}",
                         "port": 6200 + i, "replication_ip": f"10.1.0.{i}",
                         "replication_port": 6300 + i, "device": f"sd{i}", "weight": i * 50.0,
                         "meta": f"no. {i}"})
    builder.remove_dev(3)
    builder.rebalance(seed=7)
    builder.get_ring().save(str(folder / "object.ring.gz"))
    conf = folder / "swift.conf"
    conf.write_bytes(b"[swift-hash]\nswift_hash_path_prefix = pr\xe9%%\n"
                     b"swift_hash_path_suffix = suf\n")
    imported(folder / "eu", folder / "object.ring.gz", conf)
    return (SwiftRing(str(folder), ring_name="object"),
            mcos.swift.Ring(folder / "eu", "object", swift_conf=conf))


@pytest.mark.parametrize("replicas", [3, 2.6])
def test_swifts_ring_and_ours_say_the_same(hash_path, tmp_path, replicas):
    theirs, ours = swift_pair(tmp_path, replicas)
    for attribute in ("partition_count", "part_power", "device_count", "next_part_power",
                      "weighted_device_count", "assigned_device_count"):
        assert getattr(ours, attribute) == getattr(theirs, attribute), attribute
    assert ours.replica_count == pytest.approx(theirs.replica_count, abs=0.005)
    assert ours.devs == theirs.devs
    assert not ours.has_changed() and not theirs.has_changed()
    for name in names(random.Random(5), 200):
        assert ours.get_part(*name) == theirs.get_part(*name)
        assert ours.get_nodes(*name) == theirs.get_nodes(*name)
    for part in range(ours.partition_count):
        assert ours.get_part_nodes(part) == theirs.get_part_nodes(part)
        assert list(ours.get_more_nodes(part)) == list(theirs.get_more_nodes(part))
    assert ours.get_part_nodes(256) == theirs.get_part_nodes(256) == []
    for public in set(dir(theirs)):  # each of their names is one of ours
        assert public.startswith("_") or hasattr(ours, public) or \
            public in ("tier2devs", "tiers_by_length", "reload_time"), public
    ours.close()
    with pytest.raises(mcos.Closed):
        ours.get_nodes("a")


def test_numbers_of_regions_and_zones_are_the_exports(hash_path, tmp_path):
    places = [("eu", "7"), ("2", "b"), ("us", "1"), ("07", "01"), ("1", "b"), ("eu", ""), ("\u0662", "2")]
    devices = [{"name": f"d{i}", "region": region, "zone": zone, "host": f"10.0.0.{i}", "port": 6200,
                "weight": 1} for i, (region, zone) in enumerate(places)]
    conf, file = tmp_path / "swift.conf", tmp_path / "rings" / "object.ring"
    conf.write_bytes(b"[swift-hash]\nswift_hash_path_prefix = pr\xe9%%\nswift_hash_path_suffix = suf\n")
    (tmp_path / "spec.json").write_text(json.dumps(
        {"partition_power": 6, "replicas": 3, "hash": "swift-md5", "devices": devices}))
    file.parent.mkdir()
    for words in (("build", "--spec", tmp_path / "spec.json", "--swift-conf", conf, "--out", file,
                   "--name", "object"), ("export-swift", file, "-o", tmp_path / "object.ring.gz")):
        done = command("ring", *words)
        assert done.returncode == 0, done.stderr
    theirs = SwiftRing(str(tmp_path), ring_name="object")
    ours = mcos.swift.Ring(tmp_path, "object", swift_conf=conf)
    assert ours.devs == theirs.devs
    assert [list(ours.get_more_nodes(p)) for p in range(64)] == \
        [list(theirs.get_more_nodes(p)) for p in range(64)]


def test_a_swift_shaped_ring_follows_changes(eu, ring):
    ours = mcos.swift.Ring(f"file:{eu.data}", ring, poll_ms=20)
    before = ours.version
    assert eu.update(ring, spec(weights=(1, 2, 3, 4, 5, 6))).status == 200
    until(ours.has_changed, "the change is there")
    assert ours.version == before + 1 and not ours.has_changed()
    assert len([dev for dev in ours.devs if dev]) == 6 == ours.device_count
    assert sorted({dev["region"] for dev in ours.devs}) == [1, 2]
    part, nodes = ours.get_nodes("AUTH_me", "c", "o")
    assert [node["device"] for node in nodes] == eu.lookup(ring, "AUTH_me", "c", "o")
    assert eu.delete(ring).status == 200
    until(lambda: ours._ring.view().info.deleted, "it is deleted")
    assert ours.get_nodes("AUTH_me", "c", "o") == (part, nodes)  # as when Swift's file is gone
    with pytest.raises(mcos.Error) as caught:
        mcos.swift.Ring(eu.data, "nobody-made-it", timeout=0)
    assert caught.value.slug == "not-found"


# ---- beside an agent ----

NAMES = [("AUTH_me",), ("AUTH_me", "cats"), ("AUTH_me", "", ""), ("\u5bb9\U0001f600", "x" * 300, "y" * 4000),
         (b"\xff\0\xfe", b"\0", b"\t\n"), *(("AUTH_me", "cats", f"{i}.jpg") for i in range(50))]


def test_answers_are_the_agents_through_changes(eu, ring):
    with opened(f"file:{eu.data},unix:{eu.socket}", ring, keep_previous=True) as photos:
        with photos.hold() as old:
            assert old.info.stamp == eu.stamp(ring) and old.info.version == 1
            assert old.previous is None
            rows = list(old.lookup_many(NAMES))
            assert list(photos.lookup_many(NAMES)) == rows and photos.view() is photos.view()
            assert eu.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
            stamp = eu.stamp(ring)
            until(lambda: photos.view().info.stamp == stamp, "the change is there")
            for name in NAMES[:4] + NAMES[5:]:
                assert [d.name for d in photos.lookup(*name).devices] == eu.lookup(ring, *name)
            assert list(old.lookup_many(NAMES)) == rows and old.info.version == 1
        with photos.hold() as new:
            assert new.info.stamp == stamp and list(new.lookup_many(NAMES)) != rows
            assert new.previous.info.version == 1
            assert list(new.previous.lookup_many(NAMES)) == rows
            assert new.previous.previous is None
            before = new.previous
        with pytest.raises(mcos.Closed):
            before.lookup("a")
        agents = eu.get(f"/v1/rings/{ring}").json["devices"]
        assert [(d.id, d.name, d.region, d.zone, d.weight) for d in photos.devices()] == \
            [(d["id"], d["name"], d["region"], d["zone"], d["weight"]) for d in agents]
        stats = photos.stats()
        assert stats.adopted == 2 and stats.error == "" and stats.source == 0
        assert stats.looks > 0 and stats.adopted_at > 10 ** 18


def test_many_are_answered_as_one_by_one(eu, ring):
    with opened(f"file:{eu.data}", ring) as photos, photos.hold() as view:
        batch = view.lookup_many([*NAMES, ("",), ("a", "", "o"), ("a", None, "o")])
        assert batch.info == view.info and len(batch) == len(NAMES) + 3
        for name, (partition, devices) in zip(NAMES, batch):
            answer = view.lookup(*name)
            assert (partition, list(devices)) == (answer.partition, ids(answer.devices))
            same = view.partition(partition)  # but for when it was checked
            assert dataclasses.replace(same, checked_at=answer.checked_at,
                                       confirmed_at=answer.confirmed_at) == answer
            assert same.checked_at >= answer.checked_at and answer.version == 1
            assert answer.digest == view.info.digest
        assert batch[-3:] == [(None, ())] * 3 and view.lookup_many(NAMES)[-1] == batch[-4]
        assert len(view.lookup_many([])) == 0
        for bad in (("",), ("a", None, "o")):
            with pytest.raises(mcos.Error) as caught:
                view.lookup(*bad)
            assert caught.value.slug == "bad-value"


def test_devices_of_clusters_that_are_heard_come_first(eu, ring):
    devices = [{"name": n, "cluster": c, "weight": 1} for n, c in
               (("a", "nobody"), ("b", "nobody-else"), ("c", "eu"))]
    assert eu.update(ring, {"partition_power": 6, "replicas": 3, "devices": devices}).status == 200
    with opened(f"file:{eu.data},unix:{eu.socket}", ring) as photos:
        def states():
            return [d.state for d in photos.lookup("AUTH_me", active_first=True).devices]
        unknown = mcos.State.UNKNOWN
        until(lambda: states() == [mcos.State.ACTIVE, unknown, unknown], "eu is heard")
        assert {d.name: d.state for d in photos.devices()}["c"] == mcos.State.ACTIVE


# ---- what is wrong, and misuse ----

@pytest.mark.parametrize("arguments, slug", [
    ((("",), {}), "bad-config"), ((("ftp://x",), {}), "bad-config"),
    ((("file:/a\0b",), {}), "bad-config"), ((("file:/a",), {"poll_ms": 1}), "bad-config"),
    ((("file:/a",), {"poll_ms": -1}), "bad-value"),
    ((("file:/a",), {"timeout_ms": 2 ** 40}), "bad-value"),
    ((("file:/a",), {"system": "No System"}), "bad-config"),
    ((("file:/a",), {"swift_conf": "/nowhere"}), "not-found"),
    ((("file:/a",), {"swift_conf": b"/nowhere"}), "not-found")])
def test_what_cannot_be_opened_is_refused(arguments, slug):
    with pytest.raises(mcos.Error) as caught:
        mcos.Resolver(*arguments[0], **arguments[1])
    assert caught.value.slug == slug, caught.value
    assert str(caught.value)


def test_what_is_asked_wrongly_is_refused(eu, ring):
    with mcos.Resolver(f"file:{eu.data}") as resolver:
        for name in ("", "Photos", "a\0b", "x" * 65):
            with pytest.raises(mcos.Error) as caught:
                resolver.ring(name)
            assert caught.value.slug == "bad-name"
        missing = resolver.ring("nobody-made-it")
        for ask in (missing.hold, missing.view, lambda: missing.wait(0), lambda: missing.lookup("a")):
            with pytest.raises(mcos.Error) as caught:
                ask()
            assert caught.value.slug == "not-found" and "nobody-made-it" in caught.value.text
        assert missing.stats().error == "not-found"
        photos = resolver.ring(ring)
        assert resolver.ring(ring) is photos
        for wrong in (lambda: photos.lookup(7), lambda: photos.lookup("a", "c", 1.5),
                      lambda: photos.lookup_many(["abc"]), lambda: photos.lookup_many([()]),
                      lambda: photos.lookup_many([("a", "b", "c", "d")]), lambda: photos.lookup_many([(1,)]),
                      lambda: photos.handoffs("1"), lambda: photos.lookup_many(7)):
            with pytest.raises(TypeError):
                wrong()
        for wrong in (lambda: resolver.ring(None), lambda: resolver.ring(b"photos"), lambda: photos.wait("1"),
                      lambda: photos.wait(None), lambda: mcos.Resolver(None), lambda: mcos.Resolver(b"file:/a")):
            with pytest.raises(TypeError, match="is a (str|number), not"):
                wrong()
        for wrong in (lambda: photos.handoffs(-1), lambda: photos.wait(-1), lambda: photos.wait(float("inf")),
                      lambda: photos.wait(float("nan")), lambda: photos.handoffs(2 ** 32),
                      lambda: photos.handoffs(64), lambda: photos.handoffs(0, 1001),
                      lambda: photos.view().partition(64), lambda: photos.view().device(-1)):
            with pytest.raises(mcos.Error) as caught:
                wrong()
            assert caught.value.slug == "bad-value"
        with pytest.raises(mcos.Error) as caught:
            photos.view().device(2 ** 31)
        assert caught.value.slug == "not-found"
        with pytest.raises(UnicodeEncodeError):
            photos.lookup("\ud800")


def test_what_is_closed_raises(eu, ring):
    resolver = mcos.Resolver(f"file:{eu.data}", keep_previous=True)
    photos = resolver.ring(ring)
    view, other, shared = photos.hold(), photos.hold(), photos.view()
    assert eu.update(ring, spec(weights=(5, 4, 3, 2, 1))).status == 200
    until(lambda: photos.view().info.version == 2, "the change is there")
    newer = photos.hold()
    previous = newer.previous
    other.release()
    other.release()
    view.info
    resolver.close()
    resolver.close()
    for held in (view, other, shared, newer, previous):
        for use in (lambda: held.info, lambda: held.lookup("a"), lambda: held.lookup_many([("a",)]),
                    lambda: held.handoffs(0), lambda: held.partition(0), lambda: held.device(0),
                    lambda: list(held.devices()), lambda: held.previous, held.__enter__().device):
            with pytest.raises((mcos.Closed, TypeError)):
                use()
        held.release()
    for use in (photos.hold, photos.view, photos.stats, lambda: photos.lookup("a"),
                lambda: photos.wait(0), lambda: resolver.ring(ring), lambda: resolver.ring("other")):
        with pytest.raises(mcos.Closed):
            use()


def test_closing_under_load_harms_nobody(eu, ring):
    """Threads look up, hold and release while what they use is closed: they end by Closed."""
    outcomes = []

    def work(photos, view):
        for i in itertools.count():
            try:
                assert len(view.lookup_many(NAMES)) == len(NAMES)
                photos.lookup("AUTH_me", str(i))
                with photos.hold() as own:
                    own.handoffs(0)
            except mcos.Closed:
                outcomes.append("closed")
                return
            except BaseException as error:
                outcomes.append(error)
                raise

    for turn in range(20):
        resolver = mcos.Resolver(f"file:{eu.data}")
        photos = resolver.ring(ring)
        photos.wait(DEADLINE)
        view = photos.hold()
        threads = [threading.Thread(target=work, args=(photos, view)) for _ in range(4)]
        for thread in threads:
            thread.start()
        if turn % 2:
            view.release()
        resolver.close()
        for thread in threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert outcomes == ["closed"] * 80


def test_a_view_is_given_back_when_the_last_has_left_it(eu, ring, monkeypatch):
    given_back, look, release = [], _lib.view_lookup_many, _lib.view_release
    monkeypatch.setattr(_lib, "view_release",
                        lambda pointer: (given_back.append(pointer), release(pointer)))
    with opened(f"file:{eu.data}", ring) as photos:
        view = photos.hold()

        def look_while_it_is_released(*arguments):
            thread = threading.Thread(target=view.release)
            thread.start()
            thread.join()
            with pytest.raises(mcos.Closed):
                view.lookup("a")
            assert given_back == []
            return look(*arguments)

        monkeypatch.setattr(_lib, "view_lookup_many", look_while_it_is_released)
        assert len(view.lookup_many(NAMES)) == len(NAMES)
        assert given_back == [view._pointer]


def program(text, *arguments):
    done = subprocess.run([PYTHON, "-X", "faulthandler", "-c", textwrap.dedent(text), *map(str, arguments)], env=ENV,
                          capture_output=True, text=True, timeout=DEADLINE * 2, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert done.stderr == ""
    return done.stdout


def test_a_child_of_a_fork_opens_its_own(eu, ring):
    """It sees what changes after the fork, and its parent goes on."""
    process = subprocess.Popen([PYTHON, "-X", "faulthandler", "-c", textwrap.dedent("""
        import os, sys, time, threading, mcos
        resolver = mcos.Resolver(sys.argv[1], poll_ms=20)
        ring = resolver.ring(sys.argv[2])
        ring.wait(20)
        view = ring.hold()
        partition = view.lookup("AUTH_me").partition
        def work():
            try:
                while True:
                    ring.lookup("a")
            except mcos.Closed:
                pass
        threading.Thread(target=work).start()
        taken, go = threading.Event(), threading.Event()
        def lock():
            with resolver._lock:
                taken.set()
                go.wait()
        threading.Thread(target=lock).start()
        taken.wait()
        child = os.fork()
        go.set()
        assert view.lookup("AUTH_me").partition == partition
        print("ready", flush=True)
        until = time.monotonic() + 25
        while ring.view().info.version == 1 and time.monotonic() < until:
            time.sleep(0.02)
        assert ring.lookup("AUTH_me").partition == partition
        assert ring.stats().adopted >= 1
        view.release()
        resolver.close()
        try:
            ring.lookup("a")
        except mcos.Closed:
            print("child" if child == 0 else "parent", flush=True)
        if child:
            assert os.waitpid(child, 0)[1] == 0
        else:
            os._exit(0)
        """), f"file:{eu.data}", ring], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert [process.stdout.readline() for _ in range(2)] == ["ready\n"] * 2
    assert eu.update(ring, spec(weights=(9, 8, 7, 6, 5))).status == 200
    out, err = process.communicate(timeout=DEADLINE * 2)
    assert process.returncode == 0, (out, err)
    assert sorted(out.split()) == ["child", "parent"], (out, err)


def test_a_process_may_end_with_everything_open(eu, ring):
    program("""
        import atexit, os, sys, threading, time
        def alone():  # what was registered first is called last
            until = time.monotonic() + 20
            while len(os.listdir("/proc/self/task")) > 1:
                assert time.monotonic() < until, "a thread goes on"
                time.sleep(0.01)
        atexit.register(alone)
        import mcos
        resolver = mcos.Resolver(sys.argv[1], poll_ms=10)
        ring = resolver.ring(sys.argv[2])
        ring.wait(20)
        view = ring.hold()
        lost = [mcos.Resolver(sys.argv[1]).ring(sys.argv[2]).hold() for _ in range(5)]
        def work():
            try:
                while True:
                    view.lookup("a")
            except mcos.Closed:
                pass
        threading.Thread(target=work, daemon=True).start()
        loop = [resolver, view]
        loop.append(loop)
        """, f"file:{eu.data}", ring)


# ---- as who installs it meets it ----

def test_the_example_runs_from_what_is_installed(eu, ring, tmp_path):
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet"], check=True,
                   env={**os.environ, "DESTDIR": str(tmp_path)}, timeout=DEADLINE)
    [package] = tmp_path.rglob("mcos/__init__.py")
    [library] = tmp_path.rglob("libmcos.so.0")
    assert sorted(p.name for p in package.parent.iterdir() if p.is_file()) == \
        sorted(p.name for p in (FOLDER / "mcos").iterdir() if p.is_file())
    env = {name: value for name, value in os.environ.items() if name != "MCOS_LIBRARY"} | {
        "PYTHONPATH": str(package.parent.parent), "LD_LIBRARY_PATH": str(library.parent)}

    def run(*words):
        return subprocess.run([PYTHON, ROOT / "examples" / "where.py", *words], env=env,
                              capture_output=True, text=True, timeout=DEADLINE, check=False)

    said = run(f"file:{eu.data}", ring, "AUTH_me", "cats", "1.jpg")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{ring} {eu.stamp(ring)}, partition ")
    assert [line.split()[0] for line in said.stdout.splitlines()[1:]] == \
        eu.lookup(ring, "AUTH_me", "cats", "1.jpg")
    wrong = run(f"file:{eu.data}", "nobody-made-it", "a")
    assert wrong.returncode == 1 and wrong.stderr.startswith("where: no such thing: no ring nobody")
    assert run().returncode == 1
