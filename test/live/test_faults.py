# SPDX-License-Identifier: Apache-2.0
"""What must be survived: kills at any moment, a full or removed disk, a locked,
damaged or removed bus, namesakes, hostile messages.

Each test ends with the world whole again: the fault may delay, never lose.
"""
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import time

import pytest

from disks import fill, mounted
from world import DEADLINE, spec, until


def test_kill_at_any_moment_loses_nothing_that_was_answered(world):
    c1, c2, c3 = world.start("c1", "c2", "c3")
    rng = random.Random(4)
    stamp = c1.create("photos", spec()).json["stamp"]
    for i in range(12):
        asked, victim = rng.sample([c1, c2, c3], 2)
        world.agree("photos", stamp, [asked])
        victim.kill()
        answer = asked.update("photos", spec(weights=(100, 100 + i, 50, 70)))
        assert answer.status == 200, answer.body
        stamp = answer.json["stamp"]
        time.sleep(rng.random() * 0.02)
        asked.kill()
        asked.start()
        assert asked.stamp("photos") == stamp, "what was answered is on disk"
        victim.start()
    world.agree("photos", stamp)


def test_an_agent_that_is_killed_while_it_stores_starts_again(world):
    c1, c2 = world.start("c1", "c2")
    big = spec(part_power=16, weights=[100] * 40)
    stamp = c1.create("photos", big).json["stamp"]
    for i in range(8):
        answer = c1.update("photos", {**big, "note": f"n{i}"})
        assert answer.status == 200, answer.body
        stamp = answer.json["stamp"]
        time.sleep(0.004 * i)
        c2.kill()
        c2.start()
    world.agree("photos", stamp)


def test_row_78_killed_between_the_durable_write_and_the_answer(world):
    """The client asks again with the same key, here and on another cluster."""
    c1 = world.start("c1", alone=True)
    assert c1.create("other", spec()).status == 201, "changes are taken"
    headers = {"If-None-Match": "*", "Idempotency-Key": "7c1d4b0e"}
    body = json.dumps(spec(part_power=16))
    path = c1.data / "rings" / "photos.ring"
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(c1.socket))
    raw.sendall(b"PUT /v1/rings/photos HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n"
                b"Idempotency-Key: 7c1d4b0e\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body.encode())
    end = time.monotonic() + DEADLINE
    while not path.exists():  # from here on it is durable, answered or not
        assert time.monotonic() < end, c1.tail()
    c1.kill()
    raw.close()
    c1.start()
    stamp = c1.stamp("photos")
    assert stamp.startswith("v1."), "it is there"
    c2 = world.start("c2")
    world.agree("photos", stamp)
    for one in (c1, c1, c2):
        again = one.change("PUT", "/v1/rings/photos", body, headers)
        assert (again.status, again.json["stamp"]) == (201, stamp), again.body
        assert again.json["assignments"] == 3 << 16
        assert again.headers["Location"] == "/v1/rings/photos"
    assert c1.change("PUT", "/v1/rings/photos", body,
                     {**headers, "Idempotency-Key": "other"}).status == 412
    # Later versions do not hide it.
    assert c1.update("photos", spec(part_power=16, replicas=2)).status == 200
    assert c1.change("PUT", "/v1/rings/photos", body, headers).json["stamp"] == stamp
    assert c1.stamp("photos").startswith("v2.")


def test_a_wiped_disk_is_filled_again(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    c2.kill()
    shutil.rmtree(c2.data)
    c2.start()
    world.agree("photos", stamp)


def test_a_removed_data_folder_is_said_and_survived(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    before = c2.lookup("photos", "AUTH_a")
    shutil.rmtree(c2.data)
    answer = c2.create("videos", spec())
    assert answer.status >= 500 and answer.json["code"] in ("store-failed", "locked")
    assert c2.lookup("photos", "AUTH_a") == before, "look-ups go on"
    assert c2.alive()
    c2.kill()
    c2.start()
    world.agree("photos", stamp)


def test_a_data_folder_made_anew_keeps_its_owner(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    identity = (c2.data / "cluster.id").read_text()
    shutil.rmtree(c2.data)
    c2.data.mkdir()
    until(lambda: "event=identity-kept" in c2.tail(), "the identity is written again", c2)
    assert (c2.data / "cluster.id").read_text() == identity
    c2.kill()
    c2.start()
    assert (c2.data / "cluster.id").read_text() == identity
    world.agree("photos", stamp)


def test_a_damaged_ring_file_is_replaced_by_a_good_one(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    c2.kill()
    path = c2.data / "rings" / "photos.ring"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0x40
    os.chmod(path, 0o640)
    path.write_bytes(raw)
    c2.start()
    world.agree("photos", stamp)
    assert list((c2.data / "quarantine").iterdir()), "the damaged file is kept to look at"


@pytest.mark.parametrize("damage", ["remove", "garbage", "cut", "pages"])
def test_the_bus_file_is_made_anew_and_everybody_notices(world, damage):
    c1, c2, c3 = world.start("c1", "c2", "c3")
    world.agree("photos", c1.create("photos", spec()).json["stamp"])
    if damage == "remove":
        for suffix in ("", "-wal", "-shm"):
            path = world.bus.with_name(world.bus.name + suffix)
            if path.exists():
                path.unlink()
    elif damage == "garbage":
        world.bus.write_bytes(os.urandom(65536))
    elif damage == "cut":
        with open(world.bus, "r+b") as f:
            f.truncate(5000)
    else:
        with open(world.bus, "r+b") as f:
            size = f.seek(0, 2)
            for at in range(4096, size, 4096):
                f.seek(at)
                f.write(os.urandom(2048))
    stamp = c2.update("photos", spec(weights=(5, 6, 7, 8))).json["stamp"]
    world.agree("photos", stamp)
    c4 = world.start("c4")
    world.agree("photos", stamp, [c4])


def test_a_locked_bus_delays_and_loses_nothing(world):
    c1, c2 = world.start("c1", "c2")
    world.agree("photos", c1.create("photos", spec()).json["stamp"])
    other = sqlite3.connect(world.bus, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        answer = c1.update("photos", spec(weights=(5, 6, 7)))
        assert answer.status == 200, answer.body
        assert c1.stamp("photos") == answer.json["stamp"], "reads are answered meanwhile"
        time.sleep(3)
        assert c1.alive() and c2.alive()
    finally:
        other.execute("ROLLBACK")
        other.close()
    world.agree("photos", answer.json["stamp"])


def test_a_change_while_the_bus_is_away_goes_out_when_it_returns(world):
    c1, c2 = world.start("c1", "c2")
    world.agree("photos", c1.create("photos", spec()).json["stamp"])
    other = sqlite3.connect(world.bus, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    until(lambda: "the bus is away" in c1.get("/readyz").json["reasons"],
          "c1 says that the bus is away", c1)
    answer = c1.update("photos", spec(weights=(9, 9, 9)))
    assert answer.status == 200 and answer.json["distributed"] is False
    other.execute("ROLLBACK")
    other.close()
    world.agree("photos", answer.json["stamp"])
    until(lambda: c1.get("/readyz").status == 200, "c1 is ready again", c1)


@pytest.fixture
def small_disk(world):
    with mounted(world, "6m") as folder:
        yield folder


def test_a_full_disk_refuses_and_recovers(world, small_disk):
    c1 = world.start("c1")
    c2 = world.cluster("c2", data=small_disk / "c2")
    c2.data = small_disk / "c2"
    c2.start()
    first = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", first)
    filler = fill(small_disk)
    answer = c2.create("videos", spec(part_power=16))
    assert answer.status == 507, answer.body
    assert answer.json["code"] == "disk-full"
    stamp = c1.update("photos", spec(part_power=6, weights=[10] * 9)).json["stamp"]
    time.sleep(1)
    assert c2.stamp("photos") in (first, stamp), "the old one or the new one, whole"
    filler.unlink()
    world.agree("photos", stamp)
    assert c2.create("videos", spec()).status == 201


def test_a_bus_whose_disk_is_full_counts_as_away_until_there_is_room(world, small_disk):
    world.bus = small_disk / "bus.db"
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    filler = fill(small_disk)
    rng = random.Random(1)
    weights = [rng.randrange(1, 1000) for _ in range(300)]
    answer = c1.create("videos", spec(part_power=18, weights=weights))
    assert answer.status in (201, 202), answer.body
    until(lambda: c1.get("/readyz").status == 503, "c1 says that its bus is away", c1)
    assert "the bus is away" in c1.get("/readyz").body.decode()
    assert "full" in c1.tail()
    assert c1.lookup("videos", "AUTH_a"), "look-ups go on"
    filler.unlink()
    until(lambda: c1.get("/readyz").status == 200, "the bus is back", c1)
    world.agree("videos", answer.json["stamp"])


def test_two_agents_with_one_folder_are_refused(world):
    c1 = world.start("c1")
    done = subprocess.run(c1.command(http=f"unix:{world.folder}/x.sock"), capture_output=True,
                          text=True, timeout=30)
    assert done.returncode != 0
    assert str(c1.process.pid) in done.stderr, done.stderr
    assert c1.alive()


def test_a_folder_of_another_cluster_is_refused(world):
    c1 = world.start("c1")
    c1.stop()
    done = subprocess.run(c1.command(cluster="other"), capture_output=True, text=True,
                          timeout=30)
    assert done.returncode != 0
    assert "c1" in done.stderr and "other" in done.stderr, done.stderr


def test_two_clusters_with_one_name_the_newcomer_is_refused(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c2.create("photos", spec()).json["stamp"]
    time.sleep(1.5)  # within a second of each other nobody is the newcomer
    twin = world.cluster("twin", cluster="c1")
    twin.start(ready=False)
    until(lambda: twin.process.poll() is not None, "the namesake ends", twin)
    assert twin.process.returncode != 0
    assert "c1" in twin.tail() and "alive" in twin.tail()
    world.clusters.pop("twin")
    assert c1.alive()
    world.agree("photos", stamp)


def test_a_copied_data_folder_is_refused_while_the_first_one_lives(world):
    """Both would be the same cluster, and each would take the other's letters."""
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    twin = world.cluster("twin2", cluster="c1")
    shutil.copytree(c1.data, twin.data)
    twin.start(ready=False)
    until(lambda: twin.process.poll() is not None, "the twin ends", twin)
    assert twin.process.returncode != 0
    assert "c1 is connected to this bus by another process" in twin.tail()
    world.clusters.pop("twin2")
    assert c1.alive()
    stamp = c2.update("photos", spec(weights=(100, 90, 50, 70))).json["stamp"]
    world.agree("photos", stamp)


def test_hostile_letters_are_dropped_and_others_get_through(world):
    """Anybody who may write to the bus may write anything."""
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    db = sqlite3.connect(world.bus, timeout=10)
    tables = {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
              for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    table = next(name for name, columns in tables.items() if "body" in columns)
    db.row_factory = sqlite3.Row
    letters = [dict(row) for row in db.execute(f"SELECT * FROM {table} WHERE body IS NOT NULL")]
    assert letters, tables
    rng = random.Random(7)
    key = next(column for column in tables[table] if column in ("id", "seq", "letter"))
    for i in range(300):
        letter = dict(rng.choice(letters))
        raw = bytearray(letter["body"])
        kind = i % 4
        if kind == 0:
            raw = raw[:rng.randrange(len(raw))]
        elif kind == 1:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        elif kind == 2:
            raw = bytearray(rng.randbytes(rng.randrange(2000)))
        else:
            raw += rng.randbytes(50)
        letter["body"] = bytes(raw)
        letter.pop(key)
        for column in letter:
            if column.endswith("uid") and isinstance(letter[column], bytes):
                letter[column] = rng.randbytes(16)
        columns = ", ".join(letter)
        marks = ", ".join("?" for _ in letter)
        db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(letter.values()))
    db.commit()
    db.close()
    after = c2.update("photos", spec(weights=(3, 4, 5))).json["stamp"]
    world.agree("photos", after)
    assert c1.alive() and c2.alive()


def test_a_long_build_holds_nothing_up(world):
    """2^23 partitions on 1000 devices take seconds: meanwhile the agent answers, is heard, and
    a SIGTERM ends it within its grace time; it then holds the whole ring or none."""
    c1, c2 = world.start("c1", "c2", alone=True)
    body = json.dumps(spec(part_power=23, weights=[1 + i % 7 for i in range(1000)]))
    request = (f"PUT /v1/rings/large HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(c1.socket))
        client.sendall(request)
        client.setblocking(False)
        slowest, answers = 0.0, 0
        began = time.monotonic()
        while time.monotonic() - began < 1:
            start = time.monotonic()
            assert c1.get("/livez").status == 200
            slowest = max(slowest, time.monotonic() - start)
            try:
                client.recv(1)
                break  # a fast machine: it is built already
            except BlockingIOError:
                answers += 1
        assert slowest < 1.5, slowest  # on the loop the build alone takes longer
        assert answers > 0, "the agent answered nobody while it was building"
        assert [c["state"] for c in c2.get("/v1/clusters").json["clusters"]] == ["ACTIVE"] * 2
        start = time.monotonic()
        assert c1.stop() == 0
        assert time.monotonic() - start < 10
    until(lambda: any(c["reason"] == "left" for c in c2.get("/v1/clusters").json["clusters"]),
          "c2 hears that c1 left", c2)
    c1.start()
    # a build that ended just before the stop was kept, one that was cut short never happened
    kept = c1.get("/v1/rings").json["rings"]
    assert [(r["ring"], r["version"], r["partitions"]) for r in kept] in (
        [], [("large", 1, 1 << 23)])
