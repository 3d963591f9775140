# SPDX-License-Identifier: Apache-2.0
"""Several agents of one cluster: a private RabbitMQ, a private Redis, hosts that are
folders. Whichever dies, is stopped or is cut off, the cluster goes on.

eu1, eu2 ... are agents of the cluster "eu"; the others are clusters of one agent.
"""
import contextlib
import itertools
import json
import os
import signal
import socket
import threading

import pytest

from brokers import consumers
from disks import fill, mounted
from proxy import Proxy
from redis_server import MODULE, servers
from servers import rabbit
from test_memcached import Memcached, cached, manifest
from world import MCOSD_NEXT, mcos, new_world, spec, until

SYSTEMS = itertools.count()
TAKEN_OVER = 60.0


@pytest.fixture(scope="module")
def broker():
    with rabbit() as node:
        yield node


@pytest.fixture
def make():
    with servers() as made:
        yield made


@pytest.fixture
def redis(make):
    return make().start()


class Hosts:
    """Agents of eu on hosts of their own, and other clusters, in one system."""

    def __init__(self, world, redis):
        self.world = world
        self.redis = redis
        self.system = f"s{os.getpid()}-{next(SYSTEMS)}"

    def eu(self, name, **flags):
        return self.world.cluster(name, **{"cluster": "eu", "zone": "z", "store": self.redis.url,
                                           "system": self.system, **flags})

    def other(self, name, **flags):
        return self.world.cluster(name, system=self.system, **flags)

    def pair(self, folder=None):
        """Two agents of eu: the first is active, the second follows; there, if said so."""
        first, second = self.eu("eu1").start(), self.eu("eu2")
        second.data = folder or second.data
        until(lambda: role(first) == "active", "eu1 is active", first)
        second.start()
        until(lambda: role(second) == "following" and counted(first) == 2,
              "eu2 follows", first, second)
        return first, second


@pytest.fixture
def hosts(broker, redis):
    with new_world(broker.url) as world:
        yield Hosts(world, redis)
        for one in world.clusters.values():
            if one.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    one.process.send_signal(signal.SIGCONT)


def status(agent):
    return agent.get("/v1/status").json


def role(agent):
    """As it says itself: whether the cluster's letters have come to it."""
    return status(agent)["role"]


def counted(agent):
    return sum(one["counts"] for one in status(agent)["agents"])


def uid(agent):
    return (agent.data / "cluster.id").read_text().split()[-1]


def on_disk(agent, ring):
    path = agent.data / "rings" / f"{ring}.ring"
    return path.read_bytes() if path.exists() else None


def said_of(watcher, cluster, ring):
    """What the watcher was told that the cluster holds: a stamp, or None."""
    answer = watcher.get(f"/v1/rings/{ring}/convergence")
    if answer.status != 200:
        return None
    [row] = [c for c in answer.json["clusters"] if c["cluster"] == cluster] or [{}]
    return row.get("stamp")


def state(watcher, cluster):
    rows = watcher.get("/v1/clusters").json["clusters"]
    return next((r["state"] for r in rows if r["cluster"] == cluster), None)


# ---- one cluster ----

def test_a_second_agent_joins_with_the_clusters_uid_follows_and_serves(hosts):
    first, second = hosts.pair()
    us = hosts.other("us").start()
    assert uid(first) == uid(second) != uid(us)
    stamp = us.create("photos", spec()).json["stamp"]
    hosts.world.agree("photos", stamp)
    assert on_disk(first, "photos") == on_disk(second, "photos") == on_disk(us, "photos")
    assert second.lookup("photos", "a", "c", "o") == first.lookup("photos", "a", "c", "o")
    # Who follows hears of the others by way of who is active.
    until(lambda: state(second, "us") == "ACTIVE", "eu2 hears of us", second)
    for one in (first, second):
        until(lambda: one.get("/readyz").status == 200, f"{one.name} is ready", one)
        until(lambda: said_of(one, "us", "photos") == stamp, f"{one.name} knows of us", one)
    until(lambda: status(us)["clusters"]["active"] == 2, "us sees two clusters, not three", us)
    agents = {a["self"]: a for a in first.get("/v1/agents").json["agents"]}
    assert agents[True]["role"] == "active" and agents[False]["role"] == "following"
    assert agents[False]["holds"] == [{"ring": "photos", "stamp": stamp}]
    shown = mcos("cluster", "list", server=f"unix:{second.socket}").stdout
    assert "following" in shown and "active" in shown


# ---- two versions in one cluster ----

def test_what_an_agent_of_the_cluster_cannot_read_is_written_by_nobody(broker, make):
    """mcosd-next reads and writes format 2, mcosd only 1 (test_upgrade.py)."""
    redis = make("next", module=MODULE.with_name("mcos-next.so")).start()
    with new_world(broker.url) as world:
        hosts = Hosts(world, redis)
        first, second, us = hosts.eu("eu1"), hosts.eu("eu2"), hosts.other("us")
        first.program = us.program = MCOSD_NEXT

        def writes(number):
            for one in (first, us):
                until(lambda: status(one)["format"]["writes"] == number,
                      f"{one.name} writes format {number}", first, second, us)

        first.start()
        us.start()
        writes(2)
        second.start()
        until(lambda: role(second) == "following" and counted(first) == 2, "eu2 follows",
              first, second)
        assert role(first) == "active"
        writes(1)
        for one in (first, us):
            assert status(one)["format"] == {"reads": 2, "writes": 1, "waiting_for": ["eu"]}
        stamp = us.create("photos", spec()).json["stamp"]
        world.agree("photos", stamp)
        assert us.get("/v1/rings/photos").json["format"] == 1
        until(lambda: said_of(us, "eu", "photos") == stamp, "all of eu hold it", us, first)

        second.stop()
        second.program = MCOSD_NEXT
        second.start()
        until(lambda: counted(first) == 2, "eu2 is back", first, second)
        writes(2)
        stamp = us.update("photos", spec(weights=(1, 2, 3))).json["stamp"]
        world.agree("photos", stamp)
        assert on_disk(first, "photos")[8] == on_disk(second, "photos")[8] == 2
        until(lambda: said_of(us, "eu", "photos") == stamp, "all of eu hold it", us, first)

        # A line that nobody here can read is an agent that reads format 1 and holds nothing.
        client = redis.client()
        [known] = [k for k in client.keys() if k.startswith(b"mcos:agents:")]
        agent = known.replace(b"mcos:agents:", b"mcos:agent:") + b":" + b"7" * 16
        client.set(agent, b"MCOA\x63 of a version yet to come")
        client.sadd(known, b"7" * 16)
        writes(1)
        until(lambda: said_of(us, "eu", "photos") is None, "not all of eu hold it", us, first)
        assert sorted(a["rings"] for a in status(first)["agents"]) == [0, 1, 1]
        client.delete(agent)
        writes(2)
        until(lambda: said_of(us, "eu", "photos") == stamp, "all of eu hold it", us, first)


def test_a_line_is_written_when_it_changes_and_otherwise_kept_alive(hosts):
    first, second = hosts.pair()
    client = hosts.redis.client()
    rows = [key for key in client.keys() if key.startswith(b"mcos:agent:")]
    assert len(rows) == 2

    def quiet():
        """Each row kept alive twice, and none written meanwhile."""
        kept = []
        with client.monitor() as monitor:
            for line in monitor.listen():
                word, key = (line["command"].split() + ["", ""])[:2]
                if word == "SET" and key.encode() in rows:
                    return False
                if word == "PEXPIRE":
                    kept.append(key.encode())
                if all(kept.count(row) >= 2 for row in rows):
                    return True

    until(quiet, "nothing is written", first, second)
    lines = [client.get(row) for row in rows]
    client.set(rows[0], b"something else", px=60000)
    client.delete(rows[1])
    until(lambda: [client.get(row) for row in rows] == lines, "they are put again", first, second)
    assert all(0 < client.pttl(row) <= 5000 for row in rows)
    assert first.create("photos", spec()).status == 201
    until(lambda: all(b"photos" in client.get(row) for row in rows), "a ring is told of", second)


# ---- who dies, is stopped, is cut off ----

def takes_over(hosts, heir, us, ring="photos"):
    """The heir is active, and us and the cluster eu hear one another."""
    until(lambda: role(heir) == "active", f"{heir.name} takes over", heir, deadline=TAKEN_OVER)
    etag = us.get(f"/v1/rings/{ring}").headers["ETag"]
    stamp = us.update(ring, spec(weights=(1, 2, len(etag))), etag).json["stamp"]
    until(lambda: heir.holds(ring, stamp), f"{heir.name} gets it", heir)
    until(lambda: said_of(us, "eu", ring) == stamp, "us hears that eu holds it", us, heir)
    assert not us.says("event=identity") and not heir.says("event=identity")
    assert status(us)["clusters"] == {"active": 2, "inactive": 0}
    return stamp


def started(hosts, folder=None):
    """A pair, and us with a ring that all hold."""
    first, second = hosts.pair(folder)
    us = hosts.other("us").start()
    stamp = us.create("photos", spec()).json["stamp"]
    hosts.world.agree("photos", stamp)
    until(lambda: said_of(us, "eu", "photos") == stamp, "eu holds it", us, first)
    return first, second, us


def test_the_active_agent_killed_is_followed_by_the_next_who_is_no_stranger(hosts):
    first, second, us = started(hosts)
    first.kill()
    stamp = takes_over(hosts, second, us)
    # Killed again before it was back: it is one agent alone, and none the less the cluster.
    first.start()
    until(lambda: first.holds("photos", stamp) and counted(second) == 2, "eu1 follows", first)
    assert role(first) == "following"
    second.kill()
    takes_over(hosts, first, us)


def test_records_are_consumed_by_whom_talk_comes_to(broker, hosts):
    first, second = hosts.pair()
    records = f"mcos.eu.{uid(first)[:8]}"
    until(lambda: consumers(broker, f"{records}.talk") == 2, "both wait for talk", second)
    assert consumers(broker, records) == 1
    first.kill()
    until(lambda: role(second) == "active", "eu2 takes over", second, deadline=TAKEN_OVER)
    until(lambda: consumers(broker, records) == 1, "eu2 consumes the records", second)


def test_an_active_agent_that_ends_says_no_leave_for_its_cluster(hosts):
    first, second, us = started(hosts)
    first.stop()
    takes_over(hosts, second, us)
    assert not us.says("event=cluster-left")
    until(lambda: counted(second) == 1, "eu1 is not counted any more", second)
    second.stop()
    until(lambda: us.says("event=cluster-left"), "the last one says leave", us)


def test_a_stopped_active_agent_loses_the_queue_and_follows_when_it_goes_on(hosts):
    first, second, us = started(hosts)
    first.process.send_signal(signal.SIGSTOP)
    stamp = takes_over(hosts, second, us)
    first.process.send_signal(signal.SIGCONT)
    until(lambda: first.holds("photos", stamp), "eu1 catches up", first)
    until(lambda: role(first) == "following" and counted(second) == 2, "eu1 follows", first)
    assert on_disk(first, "photos") == on_disk(second, "photos")


class Wire:
    """Between an agent and a server: cut, nothing passes and nobody gets through."""

    def __init__(self, listener, connect):
        self.listener, self.connect = listener, connect
        self.open, self.ended, self.pairs = True, False, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while not self.ended:
                client, _ = self.listener.accept()
                if not self.open:
                    client.close()
                    continue
                server = self.connect()
                self.pairs += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.open = False
        for one in self.pairs:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.open = True

    def end(self):
        self.ended = True
        self.cut()
        self.listener.close()


@pytest.fixture
def to_redis(hosts):
    listener = socket.socket(socket.AF_UNIX)
    path = hosts.world.folder / "wire.sock"
    listener.bind(str(path))
    listener.listen()

    def connect():
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(hosts.redis.socket))
        return made

    wire = Wire(listener, connect)
    wire.url = f"unix:{path}"
    yield wire
    wire.end()


@pytest.fixture
def to_broker(broker):
    listener = socket.create_server(("127.0.0.1", 0))
    wire = Wire(listener, lambda: socket.create_connection(("127.0.0.1", broker.port)))
    wire.url = f"amqp://guest:guest@127.0.0.1:{listener.getsockname()[1]}/"
    yield wire
    wire.end()


def test_an_active_agent_cut_from_the_broker_follows_the_registry(hosts, to_broker):
    first = hosts.eu("eu1", bus=to_broker.url)
    second = hosts.eu("eu2")
    first.start()
    until(lambda: role(first) == "active", "eu1 is active", first)
    second.start()
    us = hosts.other("us").start()
    us.create("photos", spec())
    until(lambda: second.stamp("photos"), "eu2 has it", second)
    to_broker.cut()
    stamp = takes_over(hosts, second, us)
    until(lambda: first.holds("photos", stamp), "eu1 has it by way of the registry", first)
    assert first.get("/readyz").status == 503
    to_broker.mend()
    until(lambda: first.get("/readyz").status == 200 and role(first) == "following",
          "eu1 is back and follows", first, deadline=TAKEN_OVER)


def test_an_active_agent_cut_from_the_registry_lets_another_one_speak(hosts, to_redis):
    first = hosts.eu("eu1", store=to_redis.url)
    second = hosts.eu("eu2")
    first.start()
    until(lambda: role(first) == "active", "eu1 is active", first)
    second.start()
    us = hosts.other("us").start()
    us.create("photos", spec())
    hosts.world.agree("photos", us.stamp("photos"))
    until(lambda: counted(first) == 2, "both are counted", first, second)
    to_redis.cut()
    until(lambda: first.says("event=yielded"), "eu1 lets go", first)
    stamp = takes_over(hosts, second, us)
    until(lambda: "registry" in str(first.get("/readyz").json["reasons"]),
          "eu1 says why it is not ready", first)
    to_redis.mend()
    until(lambda: first.holds("photos", stamp) and counted(second) == 2, "eu1 follows again",
          first, second, deadline=TAKEN_OVER)


def test_with_the_registry_gone_for_all_one_speaks_on_and_its_return_brings_all_together(hosts):
    first, second, us = started(hosts)
    hosts.redis.kill()
    until(lambda: "yielded" in first.log.read_text() + second.log.read_text(),
          "the active one lets go once", first, second)
    etag = us.get("/v1/rings/photos").headers["ETag"]
    stamp = us.update("photos", spec(weights=(5, 5, 5)), etag).json["stamp"]
    until(lambda: first.holds("photos", stamp) or second.holds("photos", stamp),
          "one of eu gets it", first, second)
    until(lambda: said_of(us, "eu", "photos") == stamp, "us is told", us, first, second,
          deadline=TAKEN_OVER)
    hosts.redis.start()
    until(lambda: first.holds("photos", stamp) and second.holds("photos", stamp),
          "both hold it", first, second, deadline=TAKEN_OVER)
    until(lambda: counted(first) == counted(second) == 2, "both are counted", first, second)
    assert uid(first) == uid(second)
    assert len(first.says("event=yielded") + second.says("event=yielded")) <= 2


# ---- a change asked of any agent ----

def test_a_change_asked_of_a_follower_is_made_and_known_everywhere(hosts):
    first, second, us = started(hosts)
    done = mcos("ring", "update", "photos", "-f", "-", server=f"unix:{second.socket}",
                stdin=json.dumps(spec(weights=(7, 8, 9))))
    assert done.returncode == 0, done.stdout + done.stderr
    stamp = second.stamp("photos")
    assert first.holds("photos", stamp) and us.holds("photos", stamp)
    assert second.delete("photos").status == 200
    hosts.world.agree("photos", second.stamp("photos"))


def pieces_set(client):
    """How often something as large as a piece was set, by memcached's own count."""
    slabs = client.stats("slabs")
    return sum(int(slabs[key[:-len("chunk_size")].encode() + b"cmd_set"])
               for key in map(bytes.decode, slabs)
               if key.endswith(":chunk_size") and int(slabs[key.encode()]) > 4096)


def test_row_50_of_several_agents_one_fills_a_new_ring_into_their_cache(hosts):
    """The line to memcached is so slow that the others come while one still fills it in."""
    server = Memcached(hosts.world.folder, over="tcp").start()
    try:
        with Proxy(server.port) as slow:
            agents = [hosts.eu(f"eu{i}", cache=f"memcached://127.0.0.1:{slow.port}").start()
                      for i in range(1, 5)]
            until(lambda: counted(agents[0]) == 4, "eu has four agents", *agents)
            client = server.client()
            slow.delay = 0.01
            stamp = agents[0].create("photos", spec(part_power=19)).json["stamp"]
            hosts.world.agree("photos", stamp)
            until(lambda: cached(client, agents[3], "photos", hosts.system), "it is in", *agents)
            found = manifest(client, "photos", hosts.system)["pieces"]
            assert found > 4 and pieces_set(client) == found
            client.flush_all(noreply=False)  # each of them sees that it is gone
            until(lambda: cached(client, agents[0], "photos", hosts.system), "again", *agents)
            assert pieces_set(client) == 2 * found
    finally:
        server.stop()


def test_an_agent_with_a_full_disk_refuses_a_change_and_nobody_makes_it(hosts):
    with mounted(hosts.world, "2m") as folder:
        first, second, us = started(hosts, folder / "eu2")
        stamp = second.stamp("photos")
        filler = fill(folder)
        answer = second.update("photos", spec(weights=(7, 8, 9)))
        assert answer.status == 507 and answer.json["code"] == "disk-full", answer.body
        done = first.update("photos", spec(weights=(1, 2, 3)))
        assert done.status == 200, done.body
        assert done.json["stamp"].startswith("v2."), "of the one that was there before"
        assert second.stamp("photos") == stamp
        filler.unlink()
        hosts.world.agree("photos", done.json["stamp"])


def test_two_agents_asked_at_once_make_one_change_and_refuse_the_other(hosts):
    first, second = hosts.pair()
    assert first.create("photos", spec()).status == 201
    hosts.world.agree("photos", first.stamp("photos"))
    for turn in range(12):
        etag = first.get("/v1/rings/photos").headers["ETag"]
        assert second.get("/v1/rings/photos").headers["ETag"] == etag
        gate = threading.Barrier(2)
        got = []

        def ask(agent, weight):
            gate.wait()
            got.append(agent.update("photos", spec(weights=(weight, 5, 5)), etag))

        askers = [threading.Thread(target=ask, args=(one, 10 * turn + i + 1))
                  for i, one in enumerate((first, second))]
        for one in askers:
            one.start()
        for one in askers:
            one.join()
        assert sorted(a.status for a in got) == [200, 412], [a.body for a in got]
        [made] = [a.json for a in got if a.status == 200]
        assert made["version"] == turn + 2
        hosts.world.agree("photos", made["stamp"])
        for one in (first, second):
            assert one.get("/v1/rings/photos").json["losers"] == []


# ---- what the cluster holds ----

def heard(watcher, cluster, times):
    """Waits until the watcher has heard so many announcements from now on."""
    seen = set()

    def look():
        seen.update(r["heard"] for r in watcher.get("/v1/clusters").json["clusters"]
                    if r["cluster"] == cluster)
        return len(seen) > times

    until(look, f"{watcher.name} hears {cluster} {times} times", watcher)


def test_the_cluster_holds_a_record_when_every_live_agents_file_does(hosts):
    first, second, us = started(hosts)
    before = us.stamp("photos")
    obstacle = second.data / "rings" / ".tmp.photos.ring"
    obstacle.mkdir()  # where the file would be made
    stamp = us.update("photos", spec(weights=(3, 3, 3))).json["stamp"]
    until(lambda: first.holds("photos", stamp), "eu1 has it", first)
    until(lambda: second.says("event=store-trouble"), "eu2 cannot store it", second)
    heard(us, "eu", 3)
    assert said_of(us, "eu", "photos") == before
    for one in (first, second):
        assert said_of(one, "eu", "photos") == before
    obstacle.rmdir()
    until(lambda: second.holds("photos", stamp), "eu2 has it", second)
    until(lambda: said_of(us, "eu", "photos") == stamp, "eu holds it", us, first, second)


def test_a_stopped_follower_counts_no_longer_than_its_line_lives(hosts):
    first, second, us = started(hosts)
    second.process.send_signal(signal.SIGSTOP)
    stamp = us.update("photos", spec(weights=(3, 3, 3))).json["stamp"]
    until(lambda: first.holds("photos", stamp), "eu1 has it", first)
    until(lambda: said_of(us, "eu", "photos") == stamp, "eu holds it without eu2", us, first)
    second.process.send_signal(signal.SIGCONT)
    until(lambda: second.holds("photos", stamp) and counted(first) == 2, "eu2 is back", second)


def test_an_agent_that_joins_takes_nothing_from_what_is_held_until_it_has_caught_up(hosts):
    first, second, us = started(hosts)
    stamp = us.stamp("photos")
    third = hosts.eu("eu3")
    obstacle = third.data / "rings" / ".tmp.photos.ring"
    obstacle.mkdir(parents=True)  # where the file would be made
    third.start()
    until(lambda: len(status(first)["agents"]) == 3, "eu3 is seen", first, third)
    heard(us, "eu", 3)
    assert counted(first) == 2 and third.get("/readyz").status == 503
    assert said_of(us, "eu", "photos") == stamp
    obstacle.rmdir()
    until(lambda: third.holds("photos", stamp), "eu3 fills its disk", third)
    until(lambda: counted(first) == 3, "three are counted", first, third)


# ---- whose uid ----

def test_a_folder_with_another_uid_takes_the_clusters(hosts):
    alone = hosts.eu("eu2", store="file").start()
    other = uid(alone)
    alone.stop()
    first = hosts.eu("eu1").start()
    second = hosts.eu("eu2").start()
    until(lambda: counted(first) == 2, "eu2 joins", first, second)
    assert uid(second) == uid(first) != other
    assert second.says("event=identity-adopted")


def test_a_first_start_without_redis_is_refused_and_a_later_one_is_not(hosts):
    first = hosts.eu("eu1").start()
    known = uid(first)
    first.kill()
    hosts.redis.stop()
    fresh = hosts.eu("eu2")
    fresh.start(ready=False)
    assert fresh.process.wait(30) != 0
    assert "first start" in fresh.tail()
    first.start()
    until(lambda: role(first) == "active", "eu1 speaks without Redis", first)
    assert uid(first) == known


def test_an_empty_redis_is_told_the_uid_again_and_a_newcomer_takes_it(hosts):
    first, second = hosts.pair()
    hosts.redis.client().flushall()
    until(lambda: any(k.startswith(b"mcos:cluster:") for k in hosts.redis.client().keys()),
          "the uid is there again", first, second)
    third = hosts.eu("eu3").start()
    until(lambda: counted(first) == 3, "three are counted", first, second, third)
    assert uid(first) == uid(second) == uid(third)


def test_of_two_uids_the_lesser_stays_and_who_has_the_other_starts_anew(hosts):
    first = hosts.eu("eu1").start()
    until(lambda: role(first) == "active", "eu1 is active", first)
    client = hosts.redis.client()
    [key] = [k for k in client.keys() if k.startswith(b"mcos:cluster:")]
    ours = client.get(key)
    client.set(key, b"eu " + b"f" * 32)
    until(lambda: client.get(key) == ours, "the lesser one is put back", first)
    client.set(key, b"eu " + b"0" * 31 + b"1")
    assert first.process.wait(30) != 0
    first.start()
    assert uid(first) == "0" * 31 + "1"


def test_a_database_of_another_cluster_is_refused(hosts):
    hosts.eu("eu1").start()
    wrong = hosts.other("us", store=hosts.redis.url)
    wrong.start(ready=False)
    assert wrong.process.wait(30) != 0
    assert "belongs to cluster eu" in wrong.tail()
