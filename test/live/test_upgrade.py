# SPDX-License-Identifier: Apache-2.0
"""Two versions in one world: upgraded one after the other, and taken back.

mcosd-next is the version after this one (src/base/version.h): it speaks protocol 2,
has a message that protocol 1 drops, and writes records of format 2, which
format 1 cannot read, and optional fields in records of format 1.
"""
import hashlib
import os

import pytest
import redis

from redis_server import MODULE, Records, servers
from servers import rabbit
from world import MCOSD, MCOSD_NEXT, mcos, new_world, spec, until

MODULE_NEXT = MODULE.with_name("mcos-next.so")
KEY = "mcos:ring:photos"
NEXT_FIELD = b"\xe9\xfd\x00\x00\x04\x00\x00\x00next"  # tag 65001, optional


def as_version(cluster, program):
    """Ends it and starts it as that version, on the folder it has."""
    if cluster.process is not None and cluster.process.poll() is None:
        cluster.stop()
    cluster.program = program
    return cluster.start()


def new_cluster(world, name, program, **flags):
    cluster = world.cluster(name, **flags)
    cluster.program = program
    return cluster.start()


def ring(cluster, name="photos"):
    return cluster.get(f"/v1/rings/{name}").json


def member(cluster, of):
    rows = cluster.get("/v1/clusters").json["clusters"]
    return next((row for row in rows if row["cluster"] == of), {"state": "UNKNOWN"})


def writes(cluster, number):
    until(lambda: cluster.get("/v1/status").json["format"]["writes"] == number,
          f"{cluster.name} writes format {number}", cluster)


def active(cluster, *others):
    for other in others:
        until(lambda: member(cluster, other.name)["state"] == "ACTIVE",
              f"{cluster.name} hears {other.name}", cluster, other)


def update(cluster, weight):
    answer = cluster.update("photos", spec(weights=(100, weight, 100)))
    assert answer.status == 200, answer.body
    return answer.json["stamp"]


def record(cluster, name="photos"):
    return (cluster.data / "rings" / f"{name}.ring").read_bytes()


def upgrade_story(world):
    a, b, c = world.start("a", "b", "c")
    stamp = a.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)

    as_version(a, MCOSD_NEXT)
    active(a, b, c)
    until(lambda: member(b, "a").get("program", "").endswith("+next") and
          member(b, "a")["protocol"] == 2 and member(b, "a")["format"] == 2,
          "b knows what a is", b)
    stamp = update(a, 70)
    world.agree("photos", stamp)
    assert ring(a)["format"] == 1
    # An optional field that b and c do not know: as it came, byte for byte.
    assert NEXT_FIELD in record(a)
    assert record(b) == record(a) and record(c) == record(a)
    until(lambda: b.says("event=upgrade", "peer=a"), "b dropped a message of a", b)

    as_version(b, MCOSD_NEXT)
    active(b, a, c)
    active(a, b, c)
    assert a.get("/v1/status").json["format"] == {"reads": 2, "writes": 1, "waiting_for": ["c"]}
    shown = mcos("cluster", "list", server=f"unix:{a.socket}").stdout
    assert [line.split()[0] for line in shown.splitlines() if "p1 f1 older" in line] == ["c"]
    world.agree("photos", update(c, 80))
    world.agree("photos", update(b, 60))
    assert ring(b)["format"] == 1

    as_version(c, MCOSD_NEXT)
    active(c, a, b)
    for cluster in (a, b, c):
        writes(cluster, 2)
    stamp = update(c, 90)
    world.agree("photos", stamp)
    assert ring(a)["format"] == 2 and record(a) == record(b) == record(c)
    assert record(a)[8] == 2


def test_clusters_are_upgraded_one_after_the_other(world):
    upgrade_story(world)


@pytest.mark.skipif(os.environ.get("MCOS_NO_RABBIT") is not None, reason="no RabbitMQ")
def test_the_same_over_rabbitmq():
    with rabbit() as broker, new_world(broker.url) as world:
        upgrade_story(world)


def test_an_unknown_optional_field_is_relayed_and_outlives_a_change(world):
    a = new_cluster(world, "a", MCOSD_NEXT)
    b = new_cluster(world, "b", MCOSD)
    active(a, b)
    active(b, a)
    stamp = a.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    bytes_of_a = record(a)
    assert NEXT_FIELD in bytes_of_a
    a.stop()
    c = new_cluster(world, "c", MCOSD)  # has it from b, who does not know the field
    world.agree("photos", stamp, [b, c])
    assert record(c) == bytes_of_a
    # A change by who does not know it carries it on.
    stamp = update(b, 70)
    world.agree("photos", stamp, [b, c])
    assert record(c) != bytes_of_a and NEXT_FIELD in record(c)


def test_one_taken_back_keeps_what_it_cannot_read(world):
    a = new_cluster(world, "a", MCOSD_NEXT)
    c = new_cluster(world, "c", MCOSD)
    active(a, c)
    active(c, a)
    first = a.create("photos", spec()).json["stamp"]
    world.agree("photos", first)
    as_version(c, MCOSD_NEXT)
    writes(a, 2)
    writes(c, 2)
    second = update(c, 70)
    world.agree("photos", second)
    clusters = c.data / "clusters"
    c.stop()
    # As a version yet to come may write it: more fields than we know.
    clusters.write_text("".join(line if line.startswith("#") else line.rstrip("\n") + "\tx\ty\n"
                                for line in clusters.read_text().splitlines(True)))
    file = c.data / "rings" / "photos.ring"
    before = (file.stat().st_ino, file.read_bytes())

    as_version(c, MCOSD)
    assert c.stamp("photos") == first  # the one before, which it can read
    assert ring(c)["unread"] == second and ring(c)["format"] == 1
    assert c.lookup("photos", "AUTH_a", "c", "o")
    assert c.says("event=unread", "ring=photos", f"stamp={second}", "upgrade this agent")
    refused = c.update("photos", spec(weights=(1, 2, 3)))
    assert refused.status == 409 and refused.json["code"] == "agent-too-old", refused.body
    assert second in refused.json["detail"]
    assert any(second in reason for reason in c.get("/v1/status").json["reasons"])
    shown = mcos("ring", "show", "photos", server=f"unix:{c.socket}").stdout
    assert f"there is {second}" in shown
    active(a, c)
    rows = a.get("/v1/rings/photos/convergence").json["clusters"]
    assert [(row["cluster"], row["too_old"], row["relation"]) for row in rows] == \
        [("a", False, "equal"), ("c", True, "behind")]
    assert "too old" in mcos("matrix", server=f"unix:{a.socket}").stdout
    assert (file.stat().st_ino, file.read_bytes()) == before
    assert not (c.data / "quarantine").exists() or not list((c.data / "quarantine").iterdir())

    # While c is ACTIVE changes are written so that it reads them.
    writes(a, 1)
    third = update(a, 80)
    world.agree("photos", third)
    assert ring(c)["unread"] is None and ring(a)["format"] == 1

    # Away while the others go on, it is told once, and serves what it has.
    c.stop()
    until(lambda: member(a, "c")["state"] == "INACTIVE", "c is INACTIVE", a)
    writes(a, 2)
    fourth = update(a, 90)
    c.start()
    until(lambda: ring(c)["unread"] == fourth, "c knows that it lags, and why", c)
    assert c.stamp("photos") == third
    as_version(c, MCOSD_NEXT)
    world.agree("photos", fourth)


def test_a_ring_that_only_a_newer_version_can_read_is_said_to_be_there(world):
    a = new_cluster(world, "a", MCOSD_NEXT, alone=True)
    writes(a, 2)
    stamp = a.create("photos", spec()).json["stamp"]
    file = a.data / "rings" / "photos.ring"
    before = file.read_bytes()
    assert before[8] == 2
    as_version(a, MCOSD)
    for answer in (a.get("/v1/rings/photos"), a.get("/v1/rings/photos/lookup?account=x"),
                   a.create("photos", spec())):
        assert answer.status == 409 and answer.json["code"] == "agent-too-old", answer.body
        assert stamp in answer.json["detail"]
    assert a.create("mail", spec()).status == 201  # other rings go on
    a.stop()
    assert file.read_bytes() == before
    as_version(a, MCOSD_NEXT)
    assert a.stamp("photos") == stamp


def test_a_ring_that_only_redis_has_in_a_later_format_is_known(world):
    with servers() as make:
        server = make("next", module=MODULE_NEXT).start()
        one = server.client()
        a = new_cluster(world, "a", MCOSD_NEXT, alone=True, store=server.url)
        writes(a, 2)
        stamp = a.create("photos", spec()).json["stamp"]
        mail = a.create("mail", spec()).json["stamp"]
        value, later = one.get(KEY), one.getdel("mcos:ring:mail")
        assert value == record(a) and value[8] == 2 and later[8] == 2
        a.kill()

        def is_known(cluster, name, stamp):
            until(lambda: cluster.get(f"/v1/rings/{name}").status == 409,
                  "what cannot be read is known", cluster)
            for answer in (cluster.get(f"/v1/rings/{name}"), cluster.create(name, spec())):
                assert answer.status == 409 and answer.json["code"] == "agent-too-old"
                assert stamp in answer.json["detail"]
            assert any(stamp in reason for reason in cluster.get("/v1/status").json["reasons"])
            until(lambda: cluster.says("event=unread", f"ring={name}", f"stamp={stamp}"),
                  "it is said", cluster)

        def calls(command):
            return one.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]

        # On an empty folder, found at the start.
        b = new_cluster(world, "b", MCOSD, alone=True, store=server.url)
        is_known(b, "photos", stamp)
        assert one.get(KEY) == value

        # Compared many times, it is fetched no more, and said no more.
        fetched, listed = calls("ring.get"), calls("ring.list")
        until(lambda: calls("ring.list") >= listed + 3, "the registry is compared", b)
        assert calls("ring.get") == fetched
        assert b.log.read_text().count("event=unread") == 1

        # While it runs: another ring comes into Redis.
        one.set("mcos:ring:mail", later)
        is_known(b, "mail", mail)
        assert b.create("video", spec()).status == 201  # other rings go on

        # The version that reads it takes it over.
        as_version(b, MCOSD_NEXT)
        until(lambda: b.stamp("photos") == stamp and b.stamp("mail") == mail,
              "they are taken over", b)


def test_an_older_module_keeps_what_it_cannot_read(world):
    with servers() as make:
        newer = make("next", module=MODULE_NEXT).start()
        a = new_cluster(world, "a", MCOSD_NEXT, alone=True, store=newer.url)
        writes(a, 2)
        first = a.create("photos", spec()).json["stamp"]
        value = newer.client().get(KEY)
        assert value == record(a) and value[8] == 2
        stamp = newer.client().execute_command("RING.STAMP", KEY)

        older = make("now").start()
        one = older.client()
        one.set(KEY, value)
        one.set("cut", value[:300])  # in the middle of its head
        assert one.execute_command("RING.LIST", "0", "COUNT", 100) == [b"0", [KEY.encode(), stamp]]

        # An older agent with an empty folder knows of it, too.
        new = new_cluster(world, "new", MCOSD, alone=True, store=older.url)
        until(lambda: new.says("event=unread", "ring=photos", f"stamp={first}"), "it is known", new)
        answer = new.create("photos", spec())
        assert answer.status == 409 and answer.json["code"] == "agent-too-old", answer.body
        assert one.get(KEY) == value
        new.stop()

        head = value[:int.from_bytes(value[12:16], "little")]
        sealed = {hashlib.sha256(head).hexdigest().encode(): value}
        one.hset("r:losers", mapping=sealed)
        a.flags["store"] = older.url
        as_version(a, MCOSD)
        until(lambda: a.says("event=registry-refused", "ring=photos"), "it is said", a)
        assert not a.says("event=registry-degraded")
        assert one.get(KEY) == value
        with pytest.raises(redis.ResponseError, match="^UPGRADE "):
            one.execute_command("RING.LOOKUP", KEY, "a")

        # A loser of a later format stays, whatever is merged.
        records = Records()
        for made in (records.r_1, records.r_2a, records.r_2b):
            one.execute_command("RING.MERGE", "r", made)
        losers = one.hgetall("r:losers")
        assert len(losers) == 2 and sealed.items() <= losers.items()

        # Only what descends from it takes its place.
        as_version(a, MCOSD_NEXT)
        b = new_cluster(world, "b", MCOSD)
        active(a, b)
        writes(a, 1)
        assert a.stamp("photos") == first
        second = update(a, 70)
        world.agree("photos", second, [b])
        assert record(b)[8] == 1
        until(lambda: one.get(KEY) == record(b), "the registry has what it can read", a)
        forged = bytearray(value)
        forged[80] = 9  # an epoch that nothing here descends from
        one.set(KEY, bytes(forged))
        with pytest.raises(redis.ResponseError, match="^UPGRADE "):
            one.execute_command("RING.MERGE", KEY, record(b))
        forged[80] = 0
        forged[48] ^= 1  # another record, older than b's, which does not descend from it
        one.set(KEY, bytes(forged))
        with pytest.raises(redis.ResponseError, match="^UPGRADE "):
            one.execute_command("RING.MERGE", KEY, record(b), "REPAIR")
        with pytest.raises(redis.ResponseError, match="^UPGRADE "):
            one.execute_command("RING.MERGE", KEY, record(b), "IFHELD", "none")
        assert one.get(KEY) == bytes(forged)
