# SPDX-License-Identifier: Apache-2.0
"""Real agents with a real memcached of the test's own; Python's own client is the
outside reader, and puts a ring together from what docs/format.md says alone.

What a single cache does under every fault is in test/contract/contract_cache.c.
"""
import contextlib
import hashlib
import signal
import socket
import struct
import subprocess
import time

import pytest
from pymemcache.client.base import Client

from world import DEADLINE, INTERVAL, mcos, run_mcosd, spec, until


class Memcached:
    """One server, over TCP or a unix socket."""

    def __init__(self, folder, *flags, over="unix", memory=64):
        self.socket = folder / "memcached.sock"
        self.port = free_port() if over == "tcp" else None
        self.more = ["-I", "1m", "-m", str(memory), *flags]
        self.process = None

    @property
    def url(self):
        return f"memcached://127.0.0.1:{self.port}" if self.port else f"memcached:unix:{self.socket}"

    def client(self):
        where = ("127.0.0.1", self.port) if self.port else str(self.socket)
        return Client(where, timeout=5, connect_timeout=5)

    def start(self):
        where = ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"] if self.port \
            else ["-s", str(self.socket)]
        self.process = subprocess.Popen(["memcached", "-u", "root", *where, *self.more],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        until(self.answers, "memcached answers")
        return self

    def answers(self):
        with contextlib.suppress(OSError):
            return self.client().version() is not None
        return False

    def stop(self, signo=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signo)
            self.process.wait(timeout=DEADLINE)
            self.process = None
        self.socket.unlink(missing_ok=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def memcached(world):
    server = Memcached(world.folder).start()
    yield server
    server.stop()


# ---- an outside reader, by docs/format.md ----

def system_id(system):
    return hashlib.sha256(f"mcos system {system}".encode()).digest()[:16]


def prefix(system):
    return f"mcos:{system_id(system)[:4].hex()}"


PREFIX = prefix("mcos")


def manifest(client, ring, system="mcos"):
    raw = client.get(f"{prefix(system)}:ring:{ring}")
    if raw is None:
        return None
    (magic, form, flags, whole, owner, digest, version, stamp, epoch, zero, head_bytes,
     record_bytes, piece_bytes, pieces) = struct.unpack_from("<8sHHI16s32sQQHHIQII", raw)
    assert magic == b"\x89MCMANI\n" and form == 1 and whole == len(raw) and zero == 0
    n, = struct.unpack_from("<H", raw, 104)
    name = raw[106:106 + n].decode()
    head = raw[107 + n:]
    assert owner == system_id(system) and name == ring and len(head) == head_bytes
    assert hashlib.sha256(head).digest() == digest
    return {"digest": digest, "version": version, "timestamp": stamp, "epoch": epoch,
            "deleted": bool(flags & 1), "record_bytes": record_bytes, "head": head,
            "piece_bytes": piece_bytes, "pieces": pieces}


def piece_key(m, i, system="mcos"):
    return f"{prefix(system)}:piece:{m['digest'].hex()}:{i}"


def assemble(client, ring, system="mcos"):
    """The record, or None: a miss."""
    m = manifest(client, ring, system)
    if m is None:
        return None
    parts = [client.get(piece_key(m, i, system)) for i in range(m["pieces"])]
    if None in parts:
        return None
    record = b"".join(parts)
    assert all(len(p) == m["piece_bytes"] for p in parts[:-1])
    assert len(record) == m["record_bytes"] and record.startswith(m["head"])
    for section in range(4):  # offset, length, SHA-256, XXH3
        offset, length, digest = struct.unpack_from("<QQ32s", record, 112 + 64 * section)
        assert hashlib.sha256(record[offset:offset + length]).digest() == digest
    return record


def cached(client, cluster, ring, system="mcos"):
    """Is what an outsider gets byte for byte what the agent serves?"""
    with contextlib.suppress(OSError):
        record = assemble(client, ring, system)
        return record is not None and record == cluster.get(f"/v1/rings/{ring}/file").body
    return False


def state(cluster):
    return cluster.get("/v1/status").json["cache"]


def events(cluster, event):
    return [line for line in cluster.log.read_text().splitlines() if f" event={event} " in line]


# ---- the seed's story, in the cache ----

@pytest.mark.parametrize("over", ["unix", "tcp"])
def test_a_ring_is_in_memcached_byte_for_byte(world, over):
    server = Memcached(world.folder, over=over).start()
    try:
        c1, c2 = world.start("c1", "c2", cache=server.url)
        client = server.client()
        stamp = c1.create("photos", spec()).json["stamp"]
        until(lambda: cached(client, c1, "photos"), "photos is in the cache", c1)
        stamp = c2.update("photos", spec(weights=(100, 50, 70))).json["stamp"]
        world.agree("photos", stamp)
        until(lambda: cached(client, c2, "photos"), "so is its update", c1, c2)
        m = manifest(client, "photos")
        assert m["version"] == 2 and not m["deleted"]
        assert state(c1) == state(c2) == "up"
        assert c1.delete("photos").status == 200
        until(lambda: manifest(client, "photos")["deleted"], "so is its end", c1, c2)
        m = manifest(client, "photos")
        assert m["version"] == 3 and assemble(client, "photos").startswith(m["head"])
    finally:
        server.stop()


def test_row_49_a_large_ring_fits_below_the_servers_item_limit(world, memcached):
    c1 = world.start("c1", cache=memcached.url, alone=True)
    client = memcached.client()
    answer = c1.create("big", spec(part_power=20, weights=[100] * 40))
    assert answer.status == 201, answer.body
    until(lambda: cached(client, c1, "big"), "big is in the cache", c1)
    m = manifest(client, "big")
    assert m["pieces"] > 10 and m["piece_bytes"] < 512 * 1024
    assert not events(c1, "cache-trouble")


def test_an_agent_fills_an_empty_cache_when_it_starts(world, memcached):
    c1 = world.start("c1", alone=True)
    for name in ("a", "b", "c"):
        c1.create(name, spec())
    assert state(c1) == "none"
    c1.stop()
    c1.start(cache=memcached.url)
    client = memcached.client()
    for name in ("a", "b", "c"):
        until(lambda: cached(client, c1, name), f"{name} is in the cache", c1)


def test_row_47_down_at_the_start_then_restarted_empty_it_is_filled_again(world):
    server = Memcached(world.folder)
    c1, c2 = world.start("c1", "c2", cache=server.url, alone=True)
    rings = [f"r{i}" for i in range(12)]
    for name in rings:
        assert c1.create(name, spec()).status == 201, "nothing waits for a cache"
    until(lambda: state(c1) == "away", "c1 says that it is away", c1)
    assert len(events(c1, "cache-away")) == 1
    assert f"memcached at {server.socket} does not answer" in events(c1, "cache-away")[0]
    server.start()
    client = server.client()
    for name in rings:
        until(lambda: cached(client, c1, name), f"{name} is in the cache", c1)
    assert state(c1) == "up" and len(events(c1, "cache-back")) == 1
    server.stop()
    server.start()
    client = server.client()
    began = time.monotonic()
    for name in rings:
        until(lambda: cached(client, c1, name), f"{name} is there again", c1, c2)
    assert time.monotonic() - began < 10 * INTERVAL, "within a few announce intervals"
    server.stop()


def test_row_47_evicted_manifest_or_piece_is_put_back(world, memcached):
    c1 = world.start("c1", cache=memcached.url, alone=True)
    client = memcached.client()
    c1.create("photos", spec(part_power=18))
    until(lambda: cached(client, c1, "photos"), "photos is in the cache", c1)
    m = manifest(client, "photos")
    assert m["pieces"] > 1
    for key in (f"{PREFIX}:ring:photos", piece_key(m, 0), piece_key(m, m["pieces"] - 1)):
        assert client.delete(key, noreply=False)
        assert assemble(client, "photos") is None, "a miss"
        until(lambda: cached(client, c1, "photos"), f"{key} is there again", c1)


def test_row_48_foreign_bytes_are_overwritten(world, memcached):
    c1 = world.start("c1", cache=memcached.url, alone=True)
    client = memcached.client()
    c1.create("photos", spec())
    until(lambda: cached(client, c1, "photos"), "photos is in the cache", c1)
    client.set(f"{PREFIX}:ring:photos", b"hello", noreply=False)
    until(lambda: client.get(f"{PREFIX}:ring:photos") != b"hello", "the manifest is back", c1)
    assert cached(client, c1, "photos")
    key = piece_key(manifest(client, "photos"), 0)
    client.set(key, b"hello", noreply=False)
    until(lambda: client.get(key) != b"hello", "the piece is back", c1)
    assert cached(client, c1, "photos")


def test_a_hung_memcached_holds_nobody_up(world, memcached):
    c1 = world.start("c1", cache=memcached.url, alone=True)
    c1.create("photos", spec())
    until(lambda: state(c1) == "up", "the cache is up", c1)
    memcached.process.send_signal(signal.SIGSTOP)
    until(lambda: state(c1) == "away", "c1 sees that it hangs", c1)
    slowest = 0
    for i in range(40):
        began = time.monotonic()
        assert c1.get("/v1/rings/photos").status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert c1.update("photos", spec(weights=(1, 2, 3))).status == 200
    assert slowest < 4, slowest
    said = mcos("status", server=f"unix:{c1.socket}")
    assert said.returncode == 0 and "cache away" in said.stdout, said.stdout
    assert len(events(c1, "cache-away")) == 1, "said once"
    memcached.process.send_signal(signal.SIGCONT)
    client = memcached.client()
    until(lambda: cached(client, c1, "photos"), "the update is in the cache", c1)


def test_an_agent_that_is_behind_does_not_put_older_over_newer(world, memcached):
    c1, c2 = world.start("c1", "c2", cache=memcached.url)
    client = memcached.client()
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    c2.process.send_signal(signal.SIGSTOP)
    for i in range(3):
        assert c1.update("photos", spec(weights=(100, 20 + i, 70))).status == 200
    until(lambda: cached(client, c1, "photos"), "version 4 is in the cache", c1)
    c2.process.send_signal(signal.SIGCONT)
    for _ in range(50):
        assert manifest(client, "photos")["version"] == 4
        time.sleep(0.01)
    assert cached(client, c1, "photos")


def test_too_small_for_a_ring_is_said_once_and_survived(world):
    server = Memcached(world.folder, "-M", memory=8).start()  # -M: it refuses, not evicts
    try:
        c1 = world.start("c1", cache=server.url, alone=True)
        client = server.client()
        c1.create("small", spec())
        until(lambda: cached(client, c1, "small"), "the small one is there", c1)
        c1.create("big", spec(part_power=21))
        until(lambda: events(c1, "cache-trouble"), "it is said", c1)
        time.sleep(4 * INTERVAL)
        assert len(events(c1, "cache-trouble")) == 1 and state(c1) == "up"
        assert manifest(client, "big") is None and cached(client, c1, "small")
    finally:
        server.stop()


def test_a_bad_address_is_refused_at_the_start():
    for text in ("memcached", "memcached://", "memcached://a:0", "memcached://a:65536",
                 "memcached://a b", "memcached://[::1", "memcached:unix:relative",
                 "memcached:unix:/" + "x" * 108, "redis://a"):
        done = run_mcosd("--check-config", "--cache", text)
        assert done.returncode == 2 and "cache" in done.stderr, (text, done.stderr)
    for text in ("", "memcached://localhost", "memcached://10.0.0.1:11211",
                 "memcached://[::1]:1", "memcached:unix:/run/memcached.sock"):
        assert run_mcosd("--check-config", "--cache", text).returncode == 0, text
