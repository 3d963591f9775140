# SPDX-License-Identifier: Apache-2.0
"""One answer everywhere: whoever is asked, and whatever happens meanwhile.

Every way to look a name up is asked the same 100,000 names, in rounds, while two rings change
and the engines come and go: memcached and Redis are killed and started again, the agent is killed
-9. Each answer names a version, and must be what that version's table says: the table is read
from the agent's files of all versions by docs/format.md alone, names are hashed by hashlib and by
the system's libxxhash. Nothing may be missing: a way that lives in the asking process answers at
once, always; one that asks a process that is away asks again until it is back.

`photos` hashes with xxh3, `object` with Swift's MD5. Redis answers only the first (it has no
secret), Swift's own Ring only the second; the others are asked half of the names of each.
"""
import ctypes
import hashlib
import json
import random
import socket
import struct
import threading
import time
import urllib.parse

import pytest
import redis
from swift.common import utils
from swift.common.ring import Ring as SwiftRing

import pybinding  # noqa: F401  where the package lies
import mcos
from asker import Asker
from redis_server import servers
from test_memcached import Memcached
from world import BUILD, DEADLINE, new_world, until

NAMES = 100_000
ROUNDS = 12
SOME = 200  # of a round's names are asked again and again
POWER = 8
PREFIX, SUFFIX = b"pr\xe9%", b"suf"
SERVICE = BUILD / "src" / "app" / "mcos-resolver"


def name(i):
    """The same on every day: one, two and three parts, short and long, not only ASCII."""
    account = f"AUTH_{i % 97}"
    if i % 50 == 0:
        return (f"{account}.{i}",)
    if i % 50 == 1:
        return account, f"c{i}"
    return account, f"c-\u00e9{i % 1009}", f"{i}/\U0001f600" + "x" * (i % 61) + (i % 500 == 7) * "y" * 300


# ---- the tables, read by docs/format.md ----

class Table:
    """One version of a ring."""

    def __init__(self, record):
        assert record[:8] == b"\x89MCRING\n"
        [head_bytes] = struct.unpack_from("<I", record, 12)
        [self.version] = struct.unpack_from("<Q", record, 64)
        power, stride, id_bytes = record[83], record[85], record[86]
        [slots] = struct.unpack_from("<I", record, 104)
        self.digest = hashlib.sha256(record[:head_bytes]).hexdigest()
        (table, table_len), (devices, devices_len) = (
            struct.unpack_from("<QQ", record, 112 + 64 * i) for i in range(2))
        self.names = self.read_devices(record[devices:devices + devices_len], slots)
        ids = struct.unpack_from(f"<{(stride << power)}{'H' if id_bytes == 2 else 'I'}", record, table)
        assert table_len == len(ids) * id_bytes
        none = (1 << 8 * id_bytes) - 1
        self.ids = [tuple(d for d in ids[p * stride:(p + 1) * stride] if d != none)
                    for p in range(1 << power)]
        self.called = [tuple(self.names[d] for d in row) for row in self.ids]

    @staticmethod
    def read_devices(section, slots):
        names, at = [], 0
        for _ in range(slots):
            at += 4 + 1 + 2 + 2 + 8
            texts = []
            for _ in range(9):
                [length] = struct.unpack_from("<H", section, at)
                texts.append(section[at + 2:at + 2 + length].decode())
                at += 2 + length + 1
            names.append(texts[1])
        assert at == len(section)
        return names


def xxh3(text):
    return XXHASH.XXH3_64bits(text, len(text))


XXHASH = ctypes.CDLL("libxxhash.so.0")
XXHASH.XXH3_64bits.restype = ctypes.c_uint64
XXHASH.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def partition(ring, parts):
    path = "/".join(parts).encode()
    if ring == "photos":
        return xxh3(path) >> (64 - POWER)
    return hashlib.md5(PREFIX + b"/" + path + SUFFIX).digest()[0] >> (8 - POWER)


class Truth:
    """What every version says, of every name."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.files = {}
        self.tables = {"photos": {}, "object": {}}
        self.partitions = {ring: [partition(ring, name(i)) for i in range(NAMES)]
                           for ring in self.tables}

    def read(self):
        """The versions that are new in the agent's folder. One is replaced when it is
        read: by name it is another file then."""
        for ring, tables in self.tables.items():
            for file in [*(self.cluster.data / "versions" / ring).glob("[!.]*"),
                         self.cluster.data / "rings" / f"{ring}.ring"]:
                about = file.stat()
                if self.files.get(file) != (about.st_ino, about.st_mtime_ns):
                    table = Table(file.read_bytes())
                    assert tables.setdefault(table.version, table).digest == table.digest
                    self.files[file] = about.st_ino, about.st_mtime_ns

    def judge(self, way, ring, start, answers):
        """answers: [(version, digest or its beginning, partitions, rows)], each of the
        names after the one before. Rows are ids or names, as the way says."""
        at = start
        for version, digest, partitions, rows in answers:
            table = self.tables[ring].get(version)
            assert table is not None, f"{way}: {ring} v{version} is no version"
            assert table.digest.startswith(digest), f"{way}: {ring} v{version} is not {digest}"
            count = len(partitions)
            assert partitions == self.partitions[ring][at:at + count], (way, ring, version, at)
            right = table.called if rows and isinstance(rows[0][0], str) else table.ids
            expected = [right[p] for p in partitions]
            if rows != expected:
                wrong = next(i for i in range(count) if rows[i] != expected[i])
                raise AssertionError(f"{way}: {ring} v{version}: {name(at + wrong)} is on "
                                     f"{expected[wrong]}, it says {rows[wrong]}")
            at += count


def grouped(lines):
    """[(version, digest, partition, row)] as answers of one version each."""
    answers = []
    for version, digest, part, row in lines:
        if not answers or answers[-1][:2] != (version, digest):
            answers.append((version, digest, [], []))
        answers[-1][2].append(part)
        answers[-1][3].append(row)
    return answers


def of_stamp(text):
    version, digest = text.rsplit("v", 1)[1].split(".")
    return int(version), digest


# ---- the ways: each asks names[start:start + count] of a ring ----

class Way:
    rings = ("photos", "object")

    def __init__(self, scene):
        self.scene = scene

    def ask(self, ring, start, count):
        """[(version, digest, partitions, rows)]; raises OSError if nobody is there."""
        raise NotImplementedError

    def end(self):
        pass


class ByAsker(Way):
    """A process that links libmcos, asked name by name."""

    def __init__(self, scene):
        super().__init__(scene)
        self.asker = Asker(self.place(), swift_conf=scene.conf)
        for ring in self.rings:
            assert self.asker.wait(ring) == "ok"

    def ask(self, ring, start, count):
        said = []
        for at in range(start, start + count, 200):  # less than a pipe takes
            few = range(at, min(at + 200, start + count))
            self.asker.process.stdin.write(
                "".join(f"look {ring} {' '.join(name(i))}\n" for i in few))
            self.asker.process.stdin.flush()
            said += [self.asker.line() for _ in few]
        return grouped(self.read(line) for line in said)

    @staticmethod
    def read(line):
        assert not line.startswith(("error", "nothing")), line
        stamp, part, *devices = line.split(" ")
        return *of_stamp(stamp), int(part), tuple(d.split(":")[0] for d in devices)

    def end(self):
        self.asker.end()


class OnFile(ByAsker):
    def place(self):
        return f"file:{self.scene.eu.data}"


class OnMemcached(ByAsker):
    def place(self):
        return self.scene.memcached.url


class OnAgent(ByAsker):
    def place(self):
        return f"unix:{self.scene.eu.socket}"


class InPython(Way):
    """The package, in batches, with the version before kept."""

    def __init__(self, scene):
        super().__init__(scene)
        self.resolver = mcos.Resolver(f"file:{scene.eu.data}", swift_conf=scene.conf, poll_ms=50,
                                      keep_previous=True)
        for ring in self.rings:
            self.resolver.ring(ring).wait(DEADLINE)

    def ask(self, ring, start, count):
        found = self.resolver.ring(ring)
        one = found.lookup(*name(start))
        batch = found.lookup_many([name(i) for i in range(start + 1, start + count)])
        rows = list(batch)
        return [(one.version, one.digest.hex(), [one.partition], [tuple(d.id for d in one.devices)]),
                (batch.info.version, batch.info.digest.hex(), list(batch.partitions),
                 [row for _, row in rows])]

    def end(self):
        self.resolver.close()


class OverHttp(Way):
    """The agent, pipelined."""

    def ask(self, ring, start, count):
        lines = []
        with socket.socket(socket.AF_UNIX) as talk:
            talk.settimeout(DEADLINE)
            talk.connect(str(self.scene.eu.socket))
            with talk.makefile("rb") as answers:
                for at in range(start, start + count, 50):
                    few = range(at, min(at + 50, start + count))
                    talk.sendall(b"".join(self.question(ring, name(i)) for i in few))
                    lines += [self.read(answers) for _ in few]
        return grouped(lines)

    @staticmethod
    def question(ring, parts):
        query = "&".join(f"{key}={urllib.parse.quote(part, safe='')}" for key, part in
                         zip(("account", "container", "object"), parts))
        return f"GET /v1/rings/{ring}/lookup?{query} HTTP/1.1\r\nHost: eu\r\n\r\n".encode()

    @staticmethod
    def read(answers):
        status = answers.readline()
        if not status:
            raise ConnectionResetError("the agent is away")
        length = 0
        while (line := answers.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        body = answers.read(length)
        if not line or len(body) < length:
            raise ConnectionResetError("the agent is away")
        assert status.split()[1] == b"200", (status, body)
        doc = json.loads(body)
        return (doc["version"], doc["digest"], doc["partition"],
                tuple(d["id"] for d in doc["devices"]))


class InRedis(Way):
    """RING.MLOOKUP, and for the last name RING.LOOKUP."""
    rings = ("photos",)

    def ask(self, ring, start, count):
        names = [name(i) for i in range(start, start + count)]
        with self.scene.redis.client() as client, client.pipeline(transaction=False) as pipe:
            for at in range(0, count - 1, 500):
                few = names[at:min(at + 500, count - 1)]
                pipe.execute_command("RING.MLOOKUP", self.scene.key, len(few),
                                     *(part for parts in few for part in (*parts, "", "")[:3]),
                                     "WITHVERSION")
            pipe.execute_command("RING.LOOKUP", self.scene.key, *names[-1], "WITHVERSION")
            *said, last = pipe.execute()
        return grouped(self.read(*answer) for answer in [*(a for few in said for a in few), last])

    @staticmethod
    def read(part, devices, stamp):
        _, version, _, digest = stamp.decode().split(".")
        return int(version[1:]), digest, part, tuple(d.decode() for d in devices)


class InSwift(Way):
    """Swift's own Ring over the folder that the agent keeps for it."""
    rings = ("object",)

    def __init__(self, scene):
        super().__init__(scene)
        self.ring = SwiftRing(str(scene.swift), ring_name="object", reload_time=0)

    def ask(self, ring, start, count):
        answers = []
        for at in range(start, start + count, 100):
            while True:  # again if it came to read another one amid these
                self.ring.get_part("AUTH_me")
                version = self.ring.version
                said = [self.ring.get_nodes(*name(i)) for i in range(at, min(at + 100, start + count))]
                if self.ring.version == version:
                    break
            answers.append((version, "", [part for part, _ in said],
                            [tuple(node["id"] for node in nodes) for _, nodes in said]))
        return answers


class InService(Way):
    """mcos-resolver, in binary batches."""

    def __init__(self, scene):
        super().__init__(scene)
        from service import Service  # it comes with the service
        self.service = Service(scene.folder, f"file:{scene.eu.data}", scene.memcached.url,
                               **{"swift-conf": scene.conf}).start()
        for ring in self.rings:
            until(lambda: self.service.stamp(ring), "it has the ring", self.service)

    def ask(self, ring, start, count):
        batch = self.service.batch(ring, [tuple(part.encode() for part in name(i))
                                          for i in range(start, start + count)])
        return [(batch.version, batch.digest, batch.partitions, list(map(tuple, batch.devices)))]

    def end(self):
        self.service.stop()


WAYS = [OnFile, OnMemcached, OnAgent, InPython, OverHttp, InRedis, InSwift,
        *([InService] if SERVICE.exists() else [])]
ALWAYS = (OnFile, OnMemcached, OnAgent, InPython, InSwift, InService)  # no server of theirs goes


# ---- what goes on meanwhile ----

class Scene:
    """An agent with everything beside it."""

    def __init__(self, world, make_redis):
        self.folder = world.folder
        self.conf = world.folder / "swift.conf"
        self.conf.write_bytes(b"[swift-hash]\nswift_hash_path_prefix = pr\xe9%%\n"
                              b"swift_hash_path_suffix = suf\n")
        self.swift = world.folder / "swift"
        self.swift.mkdir()
        self.memcached = Memcached(world.folder).start()
        # It comes back with what it had: a ring that it once had is never missing.
        self.redis = make_redis(options=["--appendonly", "yes", "--appendfsync", "always"]).start()
        self.eu = world.start("eu", cache=self.memcached.url, store=self.redis.url,
                              **{"swift-conf": self.conf, "export-swift": self.swift,
                                 "keep-versions": 1000})
        self.rng = random.Random(6)
        self.changes = 0
        for ring in ("photos", "object"):
            assert self.eu.create(ring, self.spec(ring)).status == 201
        until(lambda: self.redis.client().keys("*photos*"), "Redis has it", self.eu)
        [self.key] = [key for key in self.redis.client().keys("*photos*") if b"ring:" in key]
        until((self.swift / "object.ring.gz").exists, "Swift's file is there", self.eu)

    def spec(self, ring):
        devices = [{"name": f"d{i}", "region": str(1 + i % 2), "zone": str(i % 3), "host": f"10.0.0.{i}",
                    "port": 6200, "device": f"sd{i}", "weight": self.rng.randint(50, 200)}
                   for i in range(8)]
        return {"partition_power": POWER, "replicas": 3, "devices": devices,
                "hash": "swift-md5" if ring == "object" else "xxh3"}

    def change(self):
        for ring in ("photos", "object"):
            answer = self.eu.update(ring, self.spec(ring))
            assert answer.status == 200, answer.body
            self.changes += 1

    def trouble(self, turn):
        if turn % 4 == 1:
            self.memcached.stop()
            self.change()
            self.memcached.start()
        elif turn % 4 == 2:
            self.redis.kill()
            self.change()
            self.redis.start()
        elif turn % 4 == 3:
            self.eu.kill()
            self.eu.start()


class Round(threading.Thread):
    """One way in one round: asked its names, then some again as long as the round goes on."""

    def __init__(self, way, share, over):
        super().__init__()
        self.way, self.share, self.over = way, share, over
        self.answers, self.error = [], None

    def run(self):
        try:
            per = len(self.share) // len(self.way.rings)
            count = per
            while count == per or not self.over.wait(0.05):
                for i, ring in enumerate(self.way.rings):
                    start = self.share.start + i * per
                    self.answers.append((ring, start, count, self.ask(ring, start, count)))
                count = SOME
        except BaseException as error:  # told by the main thread
            self.error = error

    def ask(self, ring, start, count):
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return self.way.ask(ring, start, count)
            except (OSError, redis.ConnectionError) as error:
                assert not isinstance(self.way, ALWAYS), error
                assert time.monotonic() < end, error
                time.sleep(0.02)


@pytest.fixture
def scene(monkeypatch):
    monkeypatch.setattr(utils, "HASH_PATH_PREFIX", PREFIX)
    monkeypatch.setattr(utils, "HASH_PATH_SUFFIX", SUFFIX)
    with new_world() as world, servers() as make:
        made = Scene(world, make)
        try:
            yield made
        finally:
            made.memcached.stop()


def test_everybody_gives_the_answer_of_the_version_he_names(scene):
    truth = Truth(scene.eu)
    ways = [way(scene) for way in WAYS]
    seen = {way: {ring: set() for ring in way.rings} for way in ways}
    counts = dict.fromkeys(ways, 0)
    try:
        bounds = [NAMES * i // ROUNDS // 2 * 2 for i in range(ROUNDS)] + [NAMES]
        for turn in range(ROUNDS):
            share, over = range(bounds[turn], bounds[turn + 1]), threading.Event()
            rounds = [Round(way, share, over) for way in ways]
            for one in rounds:
                one.start()
            try:
                scene.change()
                scene.trouble(turn)
                scene.change()
            finally:
                over.set()
                for one in rounds:
                    one.join()
            truth.read()
            for one in rounds:
                if one.error is not None:
                    raise AssertionError(f"round {turn}: {type(one.way).__name__}: {one.error!r}\n"
                                         f"{scene.eu.tail()}") from one.error
                kind = type(one.way).__name__
                for ring, start, count, answers in one.answers:
                    truth.judge(kind, ring, start, answers)
                    assert sum(len(answer[2]) for answer in answers) == count, f"{kind}: missing"
                    counts[one.way] += count
                    seen[one.way][ring] |= {answer[0] for answer in answers}
        assert min(counts.values()) >= NAMES
        for way in ways:  # all see the end of it
            for ring in way.rings:
                last = max(truth.tables[ring])
                until(lambda: way.ask(ring, 0, 2)[-1][0] == last,
                      f"{type(way).__name__} has {ring} v{last}", scene.eu)
                assert len(seen[way][ring]) >= ROUNDS / 2, (type(way).__name__, seen[way])
    finally:
        for way in ways:
            way.end()
