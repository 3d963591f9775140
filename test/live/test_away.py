# SPDX-License-Identifier: Apache-2.0
"""
The table of docs/operate.md, "When something is away", row by row: an engine is away,
returns, is empty, full, hung; and the agent says of itself what stands there. The table
is read, so that it cannot say anything else.
"""
import contextlib
import os
import re
import shutil
import signal
import sqlite3
import tempfile

import pytest

from redis_server import servers
from servers import RABBIT, Rabbit
from test_memcached import Memcached
from world import ROOT, new_world, spec, until

RETURN = 120.0  # who finds no broker tries again after a random time that grows
KEY = "mcos:ring:photos"


class Row:
    def __init__(self, cells):
        change, ready, status, log = cells
        self.distributed = {"true": True, "false": False}.get(
            (re.search(r'"distributed": (\w+)', change) or ["", ""])[1])
        self.ready = int(ready)
        self.status = dict(re.findall(r"`(\w+)` (\w+)", status))
        self.events = re.findall(r"`([a-z-]+)`", log)


def table():
    """(engine, when) to row."""
    text = (ROOT / "docs" / "operate.md").read_text()
    lines = text.split("| engine | when |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    rows, engine = {}, ""
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        engine = cells[0] or engine
        rows[engine, cells[1]] = Row(cells[2:])
    return rows


TABLE = table()


@contextlib.contextmanager
def told(agent, engine, when):
    """What happens within shows in the agent as the row says, and does not hinder it."""
    row = TABLE[engine, when]
    before = {event: len(agent.says(f"event={event} ")) for event in row.events}
    yield

    def says():
        status = agent.get("/v1/status").json
        return (agent.get("/readyz").status == row.ready
                and all(str(status[key]) == value for key, value in row.status.items())
                and all(len(agent.says(f"event={event} ")) > count
                        for event, count in before.items()))
    until(says, f"{engine} {when}: {vars(row)}, not {agent.get('/v1/status').json}", agent,
          deadline=RETURN)
    if agent.stamp("photos") is not None:
        assert agent.lookup("photos", "a")
    answer = put(agent)
    assert answer.status in (200, 201) and answer.json["durable"], answer.body
    if row.distributed is not None:
        assert answer.json["distributed"] is row.distributed
    assert agent.stamp("photos") == answer.json["stamp"]
    assert agent.lookup("photos", "a")


def put(agent):
    put.count += 1
    body = spec(weights=(100, put.count, 50, 70))
    return agent.update("photos", body) if agent.stamp("photos") else agent.create("photos", body)


put.count = 0


def test_the_table_is_read_whole():
    rows = {engine: sum(e == engine for e, _ in TABLE) for engine, _ in TABLE}
    assert rows == {"RabbitMQ": 6, "the bus's file": 3, "Redis": 8, "memcached": 6}
    assert all(row.ready in (200, 503) and row.status and row.events for row in TABLE.values())


# ---- the bus ----

@pytest.fixture
def broker():
    if not (RABBIT / "rabbitmq-server").exists():
        pytest.skip("rabbitmq-server is not installed")
    folder = tempfile.mkdtemp(prefix="mcos-rabbit-")
    node = Rabbit(folder)
    try:
        yield node
    finally:
        node.end()
        shutil.rmtree(folder, ignore_errors=True)


def signal_broker(broker, signo):
    os.kill(int(broker.pid_file.read_text()), signo)


def test_rabbitmq(broker):
    with new_world(broker.url) as world:
        agent = world.cluster("c1")
        agent.log.write_text("")
        with told(agent, "RabbitMQ", "away at the start"):
            agent.start()
        with told(agent, "RabbitMQ", "returns"):
            broker.start()
        with told(agent, "RabbitMQ", "hangs"):
            signal_broker(broker, signal.SIGSTOP)
        signal_broker(broker, signal.SIGCONT)
        until(lambda: agent.get("/readyz").status == 200, "it goes on", agent, deadline=RETURN)
        try:
            with told(agent, "RabbitMQ", "has no room (memory or disk alarm)"):
                broker.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
        finally:
            broker.ctl("set_vm_memory_high_watermark", "absolute", "2GB")
        until(lambda: agent.get("/readyz").status == 200, "there is room", agent, deadline=RETURN)
        with told(agent, "RabbitMQ", "goes away"):
            broker.kill()
        broker.wipe()
        with told(agent, "RabbitMQ", "returns empty"):
            broker.start()


def test_the_bus_of_a_file(world):
    agent = world.start("c1")
    assert put(agent).status == 201
    until(lambda: agent.get("/readyz").status == 200, "c1 is ready", agent)
    other = sqlite3.connect(world.bus, isolation_level=None)
    with told(agent, "the bus's file", "is locked by another program"):
        other.execute("BEGIN EXCLUSIVE")
    other.execute("ROLLBACK")
    other.close()
    until(lambda: agent.get("/readyz").status == 200, "c1 is ready again", agent)
    with told(agent, "the bus's file", "is removed, or damaged"):
        world.bus.write_bytes(b"no database" * 1000)


# ---- Redis ----

def test_redis(world):
    with servers() as make:
        server = make()
        agent = world.cluster("c1", store=server.url, alone=True)
        agent.log.write_text("")
        with told(agent, "Redis", "away at the start"):
            agent.start()
        with told(agent, "Redis", "returns empty"):
            server.start()
        client = server.client()
        old = client.get(KEY)
        with told(agent, "Redis", "goes away"):
            server.kill()
        server.start()
        until(lambda: agent.get("/v1/status").json["registry"] == "up", "it is back", agent)
        client = server.client()
        with told(agent, "Redis", "holds an older record"):
            client.set(KEY, old)
        with told(agent, "Redis", "holds what is no ring"):
            client.set(KEY, b"junk")
        with told(agent, "Redis", "hangs"):
            server.freeze()
        server.thaw()
        until(lambda: agent.get("/v1/status").json["registry"] == "up", "it goes on", agent)
        with told(agent, "Redis", "is full, read-only, loading or without the module"):
            client.config_set("maxmemory", 1)
            put(agent)
        client.config_set("maxmemory", 0)
        until(lambda: agent.get("/v1/status").json["registry"] == "up", "there is room", agent)


def test_redis_holds_a_greater_one(world):
    made = world.cluster("c2", bus=f"sqlite:{world.folder}/other.db", alone=True)
    made.start()
    assert put(made).status == 201
    record = (made.data / "rings" / "photos.ring").read_bytes()
    made.kill()
    with servers() as make:
        server = make().start()
        agent = world.start("c1", store=server.url, alone=True)
        until(lambda: agent.get("/readyz").status == 200, "c1 is ready", agent)
        with told(agent, "Redis", "holds a greater one"):
            server.client().execute_command("RING.MERGE", KEY, record)


# ---- memcached ----

def test_memcached(world):
    server = Memcached(world.folder)
    agent = world.cluster("c1", cache=server.url, alone=True)
    agent.log.write_text("")
    try:
        with told(agent, "memcached", "away at the start"):
            agent.start()
        with told(agent, "memcached", "returns empty"):
            server.start()
        with told(agent, "memcached", "has forgotten a ring, or holds foreign bytes"):
            server.client().flush_all(noreply=False)
        with told(agent, "memcached", "hangs"):
            server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGCONT)
        until(lambda: agent.get("/v1/status").json["cache"] == "up", "it goes on", agent)
        with told(agent, "memcached", "goes away"):
            server.stop()
    finally:
        server.stop()


def test_memcached_has_no_room(world):
    server = Memcached(world.folder, "-M", memory=8).start()
    try:
        agent = world.start("c1", cache=server.url, alone=True)
        with told(agent, "memcached", "has no room"):
            assert agent.create("big", spec(part_power=21)).status == 201
    finally:
        server.stop()
