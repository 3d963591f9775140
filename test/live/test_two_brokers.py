# SPDX-License-Identifier: Apache-2.0
"""Two RabbitMQ brokers in two regions, joined by federation as docs/operate.md says,
and the line between them. A test named row_N is row N of the catalogue of faults."""
import contextlib
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from brokers import channel
from proxy import Proxy
from servers import RABBIT, rabbits
from world import ROOT, new_world, spec, until

pika = pytest.importorskip("pika")


class Region:
    def __init__(self, broker):
        self.broker = broker
        self.name = broker.name
        self.url = broker.url + "mcos"


class Regions:
    """east and west, and the two lines that each fetches the other's letters by."""

    def __init__(self, east, west):
        self.east, self.west = Region(east), Region(west)
        self.to_east = Proxy(west.port)  # letters go from west to east here
        self.to_west = Proxy(east.port)

    def __iter__(self):
        return iter((self.east, self.west))

    def close(self):
        self.to_east.close()
        self.to_west.close()


def from_the_manual():
    """The definitions and the commands under "Two brokers in two regions"."""
    text = (ROOT / "docs" / "operate.md").read_text()
    text = text.split("### Two brokers in two regions\n")[1].split("\n## ")[0]
    [definitions, commands] = re.findall(r"```(?:json)?\n(.*?)```", text, re.S)
    return definitions, commands


def join(region, other, port):
    definitions, commands = from_the_manual()
    address = "amqps://link:PASSWORD@rabbit.west.example/mcos"
    assert address in definitions
    definitions = definitions.replace(address, f"amqp://link:PASSWORD@127.0.0.1:{port}/mcos")
    names = {"east": region.name, "west": other.name}
    definitions = re.sub('"(east|west)"', lambda m: f'"{names[m[1]]}"', definitions)
    (region.broker.folder / "mcos.json").write_text(definitions)
    env = {**region.broker.env, "PATH": f"{RABBIT}:{region.broker.env['PATH']}"}
    done = subprocess.run(["sh", "-ec", commands], env=env, cwd=region.broker.folder,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def regions():
    with rabbits("east", "west", settings=["default_vhost = mcos"],
                 plugins=["rabbitmq_federation"]) as nodes, \
            contextlib.closing(Regions(*nodes)) as made, ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(join, made.east, made.west, made.to_east.port),
                pool.submit(join, made.west, made.east, made.to_west.port)]
        for job in jobs:
            job.result()
        yield made


@pytest.fixture
def world(regions):
    with new_world() as made:
        for region in regions:
            for i in (1, 2):
                made.cluster(f"{region.name}{i}", bus=region.url, region=region.name).start()
        yield made
    regions.to_east.heal()
    regions.to_west.heal()


def states(cluster):
    return {c["cluster"]: c["state"] for c in cluster.get("/v1/clusters").json["clusters"]}


def all_see(clusters, state, of=None):
    names = {c.name for c in of or clusters}
    for cluster in clusters:
        def as_said():
            seen = states(cluster)
            return all(seen.get(name) == state for name in names - {cluster.name})
        until(as_said, f"{cluster.name} sees {sorted(names)} {state}", *clusters)


def versions(*stamps):
    return [int(stamp[1:].split(".")[0]) for stamp in stamps]


def test_row_02_a_cut_between_regions_and_its_healing(regions, world):
    east1, east2, west1, west2 = clusters = list(world.clusters.values())
    all_see(clusters, "ACTIVE")
    for ring, maker in (("photos", east1), ("videos", west1)):
        made = maker.create(ring, spec())
        assert made.json["distributed"], made.body
        world.agree(ring, made.json["stamp"])

    regions.to_east.cut()
    regions.to_west.cut()
    all_see([east1, east2], "INACTIVE", of=[west1, west2])
    all_see([west1, west2], "INACTIVE", of=[east1, east2])
    lost, won = {}, {}
    for ring, busy, idle in (("photos", east1, west1), ("videos", west2, east2)):
        # The busy side makes two versions, so it wins; each side is at one.
        busy.update(ring, spec(weights=(1, 2, 3, 4)))
        lost[ring] = idle.update(ring, spec(weights=(4, 3, 2, 1))).json["stamp"]
        won[ring] = busy.update(ring, spec(weights=(5, 5, 5, 5))).json["stamp"]
        assert versions(lost[ring], won[ring]) == [2, 3]
    world.agree("photos", won["photos"], [east1, east2])
    world.agree("videos", lost["videos"], [east1, east2])
    world.agree("photos", lost["photos"], [west1, west2])
    world.agree("videos", won["videos"], [west1, west2])

    regions.to_east.heal()
    regions.to_west.heal()
    all_see(clusters, "ACTIVE")
    for ring in ("photos", "videos"):
        world.agree(ring, won[ring])
        for cluster in clusters:
            until(lambda: [one["stamp"] for one in
                           cluster.get(f"/v1/rings/{ring}").json["losers"]] == [lost[ring]],
                  f"{cluster.name} keeps the loser of {ring}", cluster)
    settled = west1.update("photos", spec(weights=(7, 7, 7)))
    world.agree("photos", settled.json["stamp"])
    until(lambda: not any(c.get("/v1/rings/photos").json["losers"] for c in clusters),
          "the conflict is settled everywhere", *clusters)


def test_row_03_a_cut_in_one_direction(regions, world):
    """East hears west and is not heard there."""
    east1, east2, west1, west2 = clusters = list(world.clusters.values())
    all_see(clusters, "ACTIVE")
    regions.to_west.cut()
    all_see([west1, west2], "INACTIVE", of=[east1, east2])
    followed = west1.create("photos", spec()).json["stamp"]
    world.agree("photos", followed)
    assert all(state == "ACTIVE" for state in states(east1).values()), states(east1)
    unheard = east2.update("photos", spec(weights=(1, 2, 3, 4)))
    # Its own broker took it; that it goes no further is not the agent's to know.
    assert unheard.status == 200 and unheard.json["distributed"], unheard.body
    world.agree("photos", unheard.json["stamp"], [east1, east2])
    assert west1.holds("photos", followed) and west2.holds("photos", followed)
    assert east1.get("/readyz").status == 200 and not east1.says("event=mute")
    regions.to_west.heal()
    world.agree("photos", unheard.json["stamp"])
    all_see(clusters, "ACTIVE")


class Bridge:
    """What an operator might add without a thought: everything on east's exchange goes
    to west's too, though federation brings it already. From there it comes back."""

    def __init__(self, regions):
        self.counts = {"ring": 0, "again": 0}
        self.stop = threading.Event()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(regions,))
        self.thread.start()
        assert self.ready.wait(30)

    def run(self, regions):
        with channel(regions.east.broker, "mcos") as east, \
                channel(regions.west.broker, "mcos") as west:
            queue = east.queue_declare("", exclusive=True).method.queue
            east.queue_bind(queue, "mcos", "#")
            self.ready.set()
            for method, properties, body in east.consume(queue, auto_ack=True,
                                                         inactivity_timeout=0.1):
                if self.stop.is_set():
                    break
                if method is None:
                    continue
                self.counts["ring"] += method.routing_key.startswith("ring")
                self.counts["again"] += "x-received-from" in properties.headers
                west.basic_publish("mcos", method.routing_key, body, properties)

    def close(self):
        self.stop.set()
        self.thread.join(timeout=30)


def test_row_18_loops_and_duplicates(regions, world):
    clusters = list(world.clusters.values())
    all_see(clusters, "ACTIVE")
    with contextlib.closing(Bridge(regions)) as bridge:
        stamp = clusters[0].create("photos", spec()).json["stamp"]
        world.agree("photos", stamp)
        for turn in range(8):
            cluster = clusters[turn % len(clusters)]
            made = cluster.update("photos", spec(weights=(turn + 1, 2, 3, 4)))
            assert versions(made.json["stamp"]) == [turn + 2]
            world.agree("photos", made.json["stamp"])
        until(lambda: bridge.counts["ring"] >= 18 and bridge.counts["again"] >= 18,
              f"letters came twice and came back: {bridge.counts}", *clusters)
    for cluster in clusters:
        for event in ("conflict", "identity", "bad-message", "bad-record", "bad-delivery"):
            assert not cluster.says(f"event={event} "), cluster.says(f"event={event} ")
        assert [line for line in cluster.says("event=replaced")
                if "ring=photos" in line][8:] == [], "each version is taken once"
