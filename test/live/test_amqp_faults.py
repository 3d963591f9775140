# SPDX-License-Identifier: Apache-2.0
"""The network before a real RabbitMQ, and consumers that are slow, away or many.

A test named row_N is row N of the catalogue of faults (section "Network and
broker"); the first rows are in test_amqp.py, those between brokers in
test_two_brokers.py.
"""
import collections
import contextlib
import os
import pathlib
import random
import signal
import threading
import time

import pytest

from brokers import RETURN, channel, consumers, queues_of, ready, up, vhost
from proxy import Proxy
from servers import rabbit
from world import new_world, spec, until

pika = pytest.importorskip("pika")
# What docs/operate.md says of a cluster's queue of records.
RECORDS_MAX = 256
RECORDS = {"x-queue-type": "classic", "x-overflow": "drop-head", "x-single-active-consumer": True,
           "x-max-length": RECORDS_MAX, "x-max-length-bytes": 256 << 20,
           "x-message-ttl": 24 * 3600 * 1000, "x-expires": 30 * 24 * 3600 * 1000}
FAR_S = 32.0  # two heartbeats of 15 s, and a little


@pytest.fixture(scope="module")
def broker():
    with rabbit() as node:
        yield node


@pytest.fixture
def world(broker):
    with new_world(broker.url) as made:
        yield made


def through(broker, proxy, vhost=""):
    return broker.url.replace(str(broker.port), str(proxy.port)) + vhost


class Far:
    """Two clusters that are a long way from their broker."""

    def __init__(self, world, proxy):
        self.world = world
        self.clusters = world.start("near", "far", **{"announce-interval": 2,
                                                      "inactive-after": 6})
        up(*self.clusters)
        proxy.delay, proxy.jitter = 6.0, 2.0
        self.since = time.monotonic()
        self.stamp = self.clusters[0].create("photos", spec()).json["stamp"]


@pytest.fixture(scope="module", autouse=True)
def far(broker):
    """They take their time while the other tests run; test_row_05 looks at them."""
    with vhost(broker, "far"), Proxy(broker.port) as proxy, \
            new_world(through(broker, proxy, "far")) as world:
        yield Far(world, proxy)
        proxy.cut()


def a_letter(broker, cluster, ring):
    """Updates the ring there; the letter that told the others."""
    with channel(broker) as ch:
        queue = ch.queue_declare("", exclusive=True).method.queue
        ch.queue_bind(queue, "mcos", "ring")
        changed = cluster.update(ring, spec(weights=(3, 3, 3, 3)))
        assert changed.status == 200, changed.body
        until(lambda: ch.queue_declare(queue, passive=True).method.message_count > 0,
              "the letter went out", cluster)
        _, properties, body = ch.basic_get(queue, auto_ack=True)
    return properties, body


def flood(broker, cluster, letter, count):
    properties, body = letter
    with channel(broker) as ch:
        ch.confirm_delivery()
        for _ in range(count):
            ch.basic_publish("mcos", f"ring.{cluster.name}", body, properties, mandatory=True)


def sent(cluster):
    until(lambda: cluster.get("/v1/status").json["undistributed"] == 0,
          "the broker has it", cluster)


class Chaos:
    """Until closed: letters vanish, come twice, late and in another order, and
    connections break. Acts on the world's own queues only."""

    def __init__(self, broker, proxy, clusters):
        self.counts = collections.Counter()
        self.stop = threading.Event()
        self.rng = random.Random(4)
        queues = [(name, key, f"{key}.{c.name}") for c in clusters
                  for name, key in zip(queues_of(c), ("ring", "talk"))]
        self.thread = threading.Thread(target=self.run, args=(broker, proxy, queues))
        self.thread.start()

    def run(self, broker, proxy, queues):
        self.kept = collections.deque(maxlen=80)
        with channel(broker) as ch:
            self.mine = ch.queue_declare("", exclusive=True).method.queue
            ch.queue_bind(self.mine, "mcos", "#")
            while not self.stop.wait(0.02):
                self.listen(ch)
                dice = self.rng.random()
                if dice < 0.4:
                    self.lose(ch, *self.rng.choice(queues))
                elif dice < 0.8:
                    for method, properties, body in self.rng.sample(self.kept,
                                                                    len(self.kept) // 3):
                        ch.basic_publish("mcos", method.routing_key, body, properties)
                        self.counts["again"] += 1
                elif dice < 0.85:
                    proxy.reset_one(self.rng)
                    self.counts["reset"] += 1

    def listen(self, ch):
        """What was published since the last time; the keys."""
        keys = []
        while (got := ch.basic_get(self.mine, auto_ack=True))[0] is not None:
            self.kept.append(got)
            keys.append(got[0].routing_key)
        return keys

    def lose(self, ch, queue, *keys):
        """For a moment nothing that is sent to the queue gets there."""
        for key in keys:
            ch.queue_unbind(queue, "mcos", key)
        self.listen(ch)
        self.stop.wait(0.1)
        self.counts["lost"] += sum(key in keys for key in self.listen(ch))
        for key in keys:
            ch.queue_bind(queue, "mcos", key)

    def close(self):
        self.stop.set()
        self.thread.join(timeout=30)


def test_row_04_loss_duplicates_and_disorder(broker):
    with Proxy(broker.port) as proxy, new_world(through(broker, proxy)) as world:
        clusters = world.start("c1", "c2", "c3", announce="digest")
        up(*clusters)
        made = clusters[0].create("photos", spec())
        world.agree("photos", made.json["stamp"])
        with contextlib.closing(Chaos(broker, proxy, clusters)) as chaos:
            for turn in range(6):
                cluster = clusters[turn % 3]
                changed = cluster.update("photos", spec(weights=(turn + 1, 2, 3, 4)))
                assert changed.status == 200 and changed.json["durable"], changed.body
                seen = dict(chaos.counts)
                until(lambda: chaos.counts["lost"] > seen.get("lost", 0) and
                      chaos.counts["again"] > seen.get("again", 0), "letters suffer", cluster)
            until(lambda: chaos.counts["reset"] >= 3, "connections break", *clusters)
        until(lambda: len({c.stamp("photos") for c in clusters}) == 1, "all hold one",
              *clusters, deadline=RETURN)
        # A last letter that nobody repeats is lost to one of them: it has to ask.
        until(lambda: all(c.get("/readyz").status == 200 for c in clusters), "all is calm",
              *clusters, deadline=RETURN)
        deaf = [(queues_of(clusters[2])[0], key) for key in ("ring", "ring.c3")]
        with channel(broker) as ch:
            for queue, key in deaf:
                ch.queue_unbind(queue, "mcos", key)
            last = clusters[1].update("photos", spec(weights=(9, 9, 9))).json["stamp"]
            sent(clusters[1])
            for queue, key in deaf:
                ch.queue_bind(queue, "mcos", key)
        world.agree("photos", last, deadline=RETURN)
        for cluster in clusters:
            for event in ("identity", "bad-message", "bad-record"):
                assert not cluster.says(f"event={event} "), cluster.says(f"event={event} ")


def test_row_13_a_consumer_slower_than_what_arrives(broker, world):
    c1, c2 = world.start("c1", "c2", announce="digest")
    up(c1, c2)
    world.agree("photos", c1.create("photos", spec()).json["stamp"])
    letter = a_letter(broker, c1, "photos")
    world.agree("photos", c1.stamp("photos"))
    c2.process.send_signal(signal.SIGSTOP)
    # The first go to c2 unread; then something new; then too much; then the newest.
    flood(broker, c2, letter, 10)
    dropped = c1.create("dropped", spec()).json["stamp"]
    sent(c1)
    flood(broker, c2, letter, RECORDS_MAX)
    newest = c1.update("photos", spec(weights=(1, 1, 1))).json["stamp"]
    sent(c1)
    c1.kill()
    assert ready(broker, queues_of(c2)[0]) == RECORDS_MAX
    c2.process.send_signal(signal.SIGCONT)
    # Nobody else is there: its queue alone brings it, and has lost the oldest.
    world.agree("photos", newest, [c2])
    until(lambda: ready(broker, queues_of(c2)[0]) == 0, "the queue is drained", c2)
    assert c2.stamp("dropped") is None
    c1.start()
    world.agree("dropped", dropped)


def test_row_14_a_letter_that_is_not_acknowledged_in_time(broker):
    broker.ctl("eval", "application:set_env(rabbit, consumer_timeout, 1500), "
                       "application:set_env(rabbit, channel_tick_interval, 300).")
    try:
        with new_world(broker.url) as world:
            c1, c2 = world.start("c1", "c2")
            world.agree("photos", c1.create("photos", spec()).json["stamp"])
            queue, _ = queues_of(c2)
            c2.process.send_signal(signal.SIGSTOP)
            stamp = c1.update("photos", spec(weights=(1, 2, 3))).json["stamp"]
            until(lambda: consumers(broker, queue) == 0, "the broker gives c2 up", c1)
            c2.process.send_signal(signal.SIGCONT)
            world.agree("photos", stamp)
            until(lambda: consumers(broker, queue) == 1, "c2 consumes again", c2)
            until(lambda: ready(broker, queue) == 0, "and acknowledges", c2)
            assert c2.says("event=bus-down") and not c2.says("level=error")
    finally:
        broker.ctl("eval", "application:set_env(rabbit, consumer_timeout, 1800000), "
                           "application:set_env(rabbit, channel_tick_interval, 60000).")


def test_row_15_clusters_away_for_long(broker, world):
    """One whose queue is at its bounds, one whose queue has expired."""
    c1, full, gone = clusters = world.start("c1", "full", "gone", announce="digest")
    up(*clusters)
    world.agree("photos", c1.create("photos", spec()).json["stamp"])
    letter = a_letter(broker, c1, "photos")
    world.agree("photos", c1.stamp("photos"))
    with channel(broker) as ch:  # refused if it has other arguments
        ch.queue_declare(queues_of(full)[0], durable=True, arguments=RECORDS)
    full.kill()
    gone.kill()
    broker.ctl("set_policy", "--apply-to", "queues", "month", r"^mcos\.gone\.",
               '{"expires": 500}')
    try:
        early = c1.create("early", spec()).json["stamp"]
        sent(c1)
        flood(broker, full, letter, RECORDS_MAX + 5)
        late = c1.update("photos", spec(weights=(1, 2, 3))).json["stamp"]
        # To ask AMQP for the queue would be a use of it, and begin its half second anew.
        until(lambda: queues_of(gone)[0] not in broker.ctl("list_queues", "name"),
              "its queue expires", c1)
        assert ready(broker, queues_of(full)[0]) == RECORDS_MAX
    finally:
        broker.ctl("clear_policy", "month")
    full.start()
    gone.start()
    for ring, stamp in (("photos", late), ("early", early)):
        world.agree(ring, stamp)
    assert gone.says("event=bus-fresh") and not full.says("event=bus-fresh")
    until(lambda: ready(broker, queues_of(full)[0]) == 0, "the queue is drained", full)


class Bodies:
    """Counts the records that the broker is given, by key."""

    def __init__(self, broker):
        self.stack = contextlib.ExitStack()
        self.ch = self.stack.enter_context(channel(broker))
        self.queue = self.ch.queue_declare("", exclusive=True).method.queue
        for key in ("ring", "ring.*"):
            self.ch.queue_bind(self.queue, "mcos", key)

    def count(self):
        seen = collections.Counter()
        while (got := self.ch.basic_get(self.queue, auto_ack=True))[0] is not None:
            method, properties, _ = got
            seen[method.routing_key, properties.headers["ring_name"]] += 1
        return seen

    def close(self):
        self.stack.close()


def test_row_17_a_connection_takes_few_turns(broker):
    """Each question costs a herd at its broker one more wait behind all the others'."""
    with Proxy(broker.port) as proxy, vhost(broker, "turns"), \
            new_world(through(broker, proxy, "turns")) as world:
        proxy.delay = 0.1
        up(world.start("c1", alone=True))
        # Greeting, login and tuning are three, the queues four when they are new;
        # the others are those of the first letters.
        assert max(proxy.turns) <= 10, proxy.turns


def test_row_17_a_herd_at_a_slow_broker(broker):
    """It has a fifth of the time; nobody gives up what it has half done."""
    logged = pathlib.Path(broker.folder, "log").glob("*.log")
    [log] = [path for path in logged if "upgrade" not in path.name]
    before = log.read_text().count("accepting AMQP connection")
    pid = int(broker.pid_file.read_text())
    over = threading.Event()

    def slow():
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(0.2)
            os.kill(pid, signal.SIGCONT)
            over.wait(0.05)

    with vhost(broker, "herd") as url, new_world(url) as world:
        herd = [world.cluster(f"c{i}", **{"announce-interval": 10, "inactive-after": 60})
                for i in range(30)]
        slowed = threading.Thread(target=slow)
        slowed.start()
        try:
            for cluster in herd:
                cluster.start(ready=False)
            up(*herd, deadline=RETURN)
        finally:
            over.set()
            slowed.join()
        for cluster in herd:
            assert not cluster.says("event=bus-trouble"), cluster.tail()
        accepted = log.read_text().count("accepting AMQP connection") - before
        assert accepted <= 2 * len(herd) + 1, "one of them is the test's"


def test_row_17_many_clusters_return_at_once(broker, world):
    rings = ("photos", "videos", "mail")
    first = world.start("first", announce="digest")
    up(first)
    stamps = {ring: first.create(ring, spec(part_power=10)).json["stamp"] for ring in rings}
    sent(first)
    with Proxy(broker.port) as proxy, contextlib.closing(Bodies(broker)) as bodies:
        crowd = [world.cluster(f"n{i}", bus=through(broker, proxy), announce="digest")
                 .start(ready=False) for i in range(20)]
        for ring, stamp in stamps.items():
            world.agree(ring, stamp, deadline=RETURN)
        # Once to each that asks alone; asked by many at once, one letter goes to all. (An
        # answer that a busy machine holds up for half a second is asked for once more.)
        seen = bodies.count()
        assert max(seen.values()) <= 3, seen
        assert sum(seen.values()) <= len(crowd) * len(rings) // 2, seen

        proxy.cut()
        before = len(proxy.tries)
        changed = first.update("photos", spec(part_power=10, weights=(1, 2, 3)))
        sent(first)
        for cluster in crowd:
            until(lambda: cluster.says("event=bus-down"), f"{cluster.name} notices", cluster)
        until(lambda: time.monotonic() - proxy.tries[before] > 2, "they try for a while",
              *crowd)
        tried = len(proxy.tries) - before
        proxy.heal()
        world.agree("photos", changed.json["stamp"], deadline=RETURN)
        for cluster in crowd:
            until(lambda: len(cluster.says("event=bus-up")) == 2, "it is back", cluster)
        # Each found it in its queue, or nearly each where the machine is busy. (That they
        # come at different moments: test_amqp.c.)
        seen = bodies.count()
        assert seen["ring", "photos"] >= 1
        assert sum(seen.values()) <= 1 + len(crowd) // 4, seen
        assert tried <= 2 * len(crowd) * 10, "each waits longer from try to try"


def test_row_05_far_from_the_broker(far):
    """The last of this file: they have been far for as long as the others took."""
    until(lambda: time.monotonic() - far.since > FAR_S, "heartbeats had their chance",
          deadline=2 * FAR_S)
    far.world.agree("photos", far.stamp)
    for cluster in far.clusters:
        assert not cluster.says("event=bus-down"), cluster.tail()
        assert len(cluster.says("event=bus-up")) == 1
        members = cluster.get("/v1/clusters").json["clusters"]
        assert [m["state"] for m in members] == ["ACTIVE"] * 2, members
