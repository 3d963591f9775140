# SPDX-License-Identifier: Apache-2.0
"""Agents keep Swift's folder: what changes here, a running Swift sees.

Two agents with a folder each, as on two hosts; Debian's Ring is the Swift that runs on
them. Needs the Debian package python3-swift.
"""
import array
import gzip
import json
import os
import random
import shutil

import pytest

from swift.common.ring import Ring, RingData
from swift.common import utils

from test_swift_export import names, swift_spec, swifts, write_conf
from world import mcos, new_world, run_mcosd, until

PREFIX, SUFFIX = b"pr\xe9%", b"suf"


@pytest.fixture(autouse=True)
def hash_path(monkeypatch):
    monkeypatch.setattr(utils, "HASH_PATH_PREFIX", PREFIX)
    monkeypatch.setattr(utils, "HASH_PATH_SUFFIX", SUFFIX)


@pytest.fixture
def world():
    with new_world() as w:
        conf = write_conf(w.folder)
        for name in ("eu", "us"):
            (w.folder / f"{name}-swift").mkdir()
            w.cluster(name, **{"swift-conf": conf, "export-swift": w.folder / f"{name}-swift"})
        yield w


def asked(cluster, ring, questions):
    """What the agent answers, in the words of swifts()."""
    lines = "".join("\t".join("\\N" if part is None else part for part in name) + "\n"
                    for name in questions)
    record = cluster.world.folder / "asked.ring"
    record.write_bytes(cluster.get(f"/v1/rings/{ring}/file").body)
    done = mcos("lookup", "--file", record, "--swift-conf", cluster.world.folder / "swift.conf",
                "--stdin", "--handoffs", 10, stdin=lines)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_running_swift_sees_what_changes(world):
    rng = random.Random(1)
    eu, us = world.clusters["eu"].start(), world.clusters["us"].start()
    files = [world.folder / f"{name}-swift" / "object.ring.gz" for name in ("eu", "us")]
    spec = swift_spec(rng, 8, 3, 20)
    assert eu.create("object", spec).status == 201
    for path in files:
        until(path.exists, f"{path} is there", eu, us)
        assert path.stat().st_mode & 0o777 == 0o644
    rings = [Ring(str(path.parent), ring_name="object", reload_time=0) for path in files]
    questions = list(names(rng, 400))
    for version in (1, 2, 3):
        if version > 1:
            spec["devices"][version]["weight"] = 0
            assert (eu, us)[version % 2].update("object", spec).status == 200
        for ring in rings:
            # Any question makes a Ring look at its file, and read it if it changed.
            until(lambda: ring.get_part("a") is not None and ring.version == version,
                  f"Swift runs on version {version}", eu, us)
            assert [swifts(ring, name) for name in questions] == asked(eu, "object", questions)
        assert files[0].read_bytes() == files[1].read_bytes()
    # The same bytes by HTTP, by the command line, and none for who has them.
    answer = us.get("/v1/rings/object/swift")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/gzip"
    assert answer.body == files[0].read_bytes()
    assert answer.headers["ETag"] == us.get("/v1/rings/object").headers["ETag"]
    again = us.ask("GET", "/v1/rings/object/swift",
                   headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    out = world.folder / "cli.ring.gz"
    done = mcos("ring", "export-swift", "object", "-o", out, server=f"unix:{us.socket}")
    assert done.returncode == 0 and out.read_bytes() == answer.body
    done = mcos("ring", "export-swift", "nobody", "-o", out, server=f"unix:{us.socket}")
    assert done.returncode == 3
    # A restart changes nothing, so no Swift reads anything anew.
    before = [path.stat().st_mtime_ns for path in files]
    assert eu.stop() == 0
    eu.start(**{"log-level": "debug"})
    until(lambda: eu.says("event=swift-same", "ring=object"), "eu looked at its file", eu)
    assert [path.stat().st_mtime_ns for path in files] == before
    assert not [name for path in files for name in os.listdir(path.parent)
                if name != path.name]


def test_an_imported_ring_keeps_what_swift_had(world):
    eu = world.clusters["eu"].start()
    path = world.folder / "eu-swift" / "object.ring.gz"
    come = world.folder / "come" / "object.ring.gz"
    come.parent.mkdir()
    devs = [{"id": i, "region": 1, "zone": i, "ip": "10.0.0.%d" % i, "port": 6200,
             "device": "sda", "weight": 10.0, "meta": "m", "replication_ip": "10.1.0.%d" % i,
             "replication_port": 6300, "acme": [i]} for i in range(5)]
    table = [array.array("H", [(part + row) % 5 for part in range(64)]) for row in range(3)]
    RingData(table, devs, 26, version=40).save(str(come))
    answer = eu.change("PUT", "/v1/rings/object/import", come.read_bytes(),
                       {"If-None-Match": "*", "Content-Type": "application/gzip"})
    assert answer.status == 201, answer.body
    until(path.exists, "the file is there", eu)
    assert gzip.decompress(path.read_bytes()) == gzip.decompress(come.read_bytes())
    # The same with its builder's state, by the command line.
    state = {"part_power": 6, "replicas": 3, "version": 40, "min_part_hours": 24,
             "overload": 0.25, "last_part_moves_epoch": 0, "last_part_moves": "ff" * 64}
    (world.folder / "b.json").write_text(json.dumps(state))
    done = mcos("ring", "import-swift", come, "--name", "other", "--builder-json",
                world.folder / "b.json", "--wait", "none", server=f"unix:{eu.socket}")
    assert done.returncode == 0, done.stderr
    ring = eu.get("/v1/rings/other").json
    assert (ring["overload"], ring["min_move_seconds"]) == (0.25, 86400)
    # What is wrong with it is said in the same words with an agent and without, and two
    # objects in one file are none.
    whole = json.dumps(state)
    for bad, field in ((json.dumps({**state, "overload": "much"}), "/overload"),
                       (whole + ', "builder": ' + whole, "")):
        (world.folder / "b.json").write_text(bad)
        said = []
        for more in ([], ["--out", world.folder / "third.ring"]):
            done = mcos("ring", "import-swift", come, "--name", "third", "--builder-json",
                        world.folder / "b.json", "--json", *more, server=f"unix:{eu.socket}")
            assert done.returncode == 8, done.stdout
            said.append(json.loads(done.stdout)["error"])
        assert said[0]["field" if field else "code"] == (field or "bad-json")
        assert said[0] == said[1]
    # An update of the spec that the agent gives keeps what only Swift knows.
    spec = eu.get("/v1/rings/object/spec").json
    spec["devices"][0]["weight"] = 5
    assert eu.update("object", spec).status == 200
    until(lambda: RingData.load(str(path)).version == 42, "the next one is there", eu)
    after = RingData.load(str(path))
    for old, new in zip(devs, after.devs):
        assert {**old, "weight": None} == {**new, "weight": None}


def test_what_is_not_swifts_and_what_is_deleted(world):
    rng = random.Random(2)
    eu = world.clusters["eu"].start()
    folder = world.folder / "eu-swift"
    spec = swift_spec(rng, 5, 2, 6)
    assert eu.create("object", spec).status == 201
    assert eu.create("photos", {**spec, "hash": "xxh3"}).status == 201
    twins = {**spec, "devices": [{**d, "host": "h", "port": 1, "device": "d"}
                                 for d in spec["devices"]]}
    assert eu.create("twins", twins).status == 201
    until(lambda: (folder / "object.ring.gz").exists(), "object is there", eu)
    until(lambda: eu.says("event=swift-refused", "ring=twins", "/devices/1"), "twins is told", eu)
    assert [r for r in eu.get("/v1/status").json["reasons"] if "ring twins is not" in r]
    for ring in ("photos", "twins"):
        assert eu.get(f"/v1/rings/{ring}/swift").status == 422
    for ring in ("photos", "twins", "object"):
        assert eu.delete(ring).status == 200
    until(lambda: eu.says("event=swift-kept", "ring=object"), "the deletion is told", eu)
    assert os.listdir(folder) == ["object.ring.gz"]
    assert eu.get("/v1/status").json["swift"] == "up"
    assert eu.get("/v1/rings/object/swift").status == 404
    assert len(eu.says("event=swift-kept")) == 1  # the others had no file


def test_a_ring_of_another_secret_is_not_written(world):
    other = world.folder / "other.conf"
    other.write_bytes(b"[swift-hash]\nswift_hash_path_suffix = other\n")
    eu = world.clusters["eu"].start()
    us = world.clusters["us"].start(**{"swift-conf": other})
    assert eu.create("object", swift_spec(random.Random(4), 5, 2, 6)).status == 201
    until(lambda: us.says("event=swift-refused", "ring=object", "error=secret-needed",
                          "field=/hash", "swift_conf"), "it is told", eu, us)
    until(lambda: (world.folder / "eu-swift" / "object.ring.gz").exists(), "eu has it", eu)
    assert os.listdir(world.folder / "us-swift") == []


def test_a_folder_that_goes_away_is_filled_again(world):
    rng = random.Random(3)
    eu = world.clusters["eu"].start()
    folder = world.folder / "eu-swift"
    spec = swift_spec(rng, 5, 2, 6)
    assert eu.create("object", spec).status == 201
    until(lambda: (folder / "object.ring.gz").exists(), "it is there", eu)
    until(lambda: eu.get("/v1/status").json["swift"] == "up", "all is well", eu)
    shutil.rmtree(folder)
    assert eu.update("object", spec).status == 200
    until(lambda: eu.says("event=swift-trouble", "ring=object"), "the trouble is told", eu)
    status = eu.get("/v1/status").json
    assert (status["swift"], status["verdict"]) == ("degraded", "degraded")
    assert any("ring object" in r and str(folder) in r for r in status["reasons"]), status
    done = mcos("status", server=f"unix:{eu.socket}")
    assert done.returncode == 1 and "swift degraded" in done.stdout, done.stdout
    assert "ring object is not up to date in export_swift" in done.stdout, done.stdout
    folder.mkdir()
    until(lambda: (folder / "object.ring.gz").exists(), "it is there again", eu)
    until(lambda: eu.get("/v1/status").json["verdict"] == "ok", "and all is well", eu)
    assert RingData.load(str(folder / "object.ring.gz")).version == 2
    assert len(eu.says("event=swift-trouble")) == 1


def test_a_file_that_is_removed_or_replaced_comes_back_without_a_change(world):
    eu = world.clusters["eu"].start()
    folder = world.folder / "eu-swift"
    path = folder / "object.ring.gz"
    for ring in ("object", "container"):
        assert eu.create(ring, swift_spec(random.Random(5), 5, 2, 6)).status == 201
    until(lambda: len(eu.says("event=swift-written")) == 2, "both are there", eu)
    whole = path.read_bytes()
    other = (folder / "container.ring.gz").stat().st_ctime_ns
    path.unlink()
    until(lambda: path.exists() and path.read_bytes() == whole, "it is there again", eu)
    path.write_bytes(b"no ring")
    until(lambda: path.read_bytes() == whole, "and again", eu)
    until(lambda: len(eu.says("event=swift-written")) == 4, "each time is told", eu)
    assert (folder / "container.ring.gz").stat().st_ctime_ns == other, "it was well"


def test_a_folder_that_is_none_is_refused_at_the_start(world):
    eu = world.clusters["eu"]
    for bad in ("/nonexistent/swift", str(world.folder / "swift.conf")):
        eu.start(ready=False, **{"export-swift": bad})
        assert eu.process.wait(timeout=30) == 2
        assert f"export_swift: {bad}" in eu.tail()
        done = run_mcosd("--check-config", "--export-swift", bad)
        assert done.returncode == 2 and f"export_swift: {bad}" in done.stderr, done.stderr
    assert run_mcosd("--check-config", "--export-swift", world.folder).returncode == 0
