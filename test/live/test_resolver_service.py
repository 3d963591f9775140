# SPDX-License-Identifier: Apache-2.0
"""mcos-resolver beside real agents and a real memcached: the agent's answers, through
updates, outages and clients that behave badly."""
import contextlib
import json
import pathlib
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

import pytest

from service import PROGRAM, WIRE, Batch, Service, question
from test_memcached import Memcached
from world import DEADLINE, Answer, Cluster, new_world, spec, until

NAMES = [("AUTH_me",), ("AUTH_me", "cats"), *(("AUTH_me", "cats", f"{i}.jpg") for i in range(20))]
BYTES = [tuple(part.encode() for part in name) for name in NAMES]


@pytest.fixture(scope="module")
def home():
    """One agent with a memcached, and a service beside it, for all tests here."""
    with new_world() as world:
        memcached = Memcached(world.folder).start()
        eu = world.start("eu", cache=memcached.url)
        eu.memcached = memcached
        with Service(world.folder, f"file:{eu.data}", memcached.url, f"unix:{eu.socket}",
                     threads=2) as eu.service:
            yield eu
        memcached.stop()


@pytest.fixture
def ring(home, request):
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:60]
    assert home.create(name, spec()).status == 201
    return name


def ids(home, ring, name):
    query = dict(zip(("account", "container", "object"), name))
    return home.get(f"/v1/rings/{ring}/lookup?" + urllib.parse.urlencode(query)).json


def agrees(service, home, ring):
    """One by one, in JSON and in bytes: what the agent says."""
    wanted = [ids(home, ring, name) for name in NAMES]
    devices = [[d["id"] for d in one["devices"]] for one in wanted]
    for name, want in zip(NAMES, wanted):
        assert service.look(ring, *name).json == want
    many = service.many(ring, NAMES).json
    batch = service.batch(ring, BYTES)
    assert many["stamp"] == wanted[0]["stamp"] and many["digest"] == batch.digest
    assert many["digest"] == wanted[0]["digest"] and batch.version == wanted[0]["version"]
    assert [a["partition"] for a in many["answers"]] == [w["partition"] for w in wanted]
    assert [a["devices"] for a in many["answers"]] == devices == batch.devices
    assert batch.partitions == [w["partition"] for w in wanted]
    told = {d["id"]: d for d in many["devices"]}
    assert told == {d["id"]: d for want in wanted for d in want["devices"]}


def test_the_agents_documents(home, ring):
    service = home.service
    assert service.look(ring, "AUTH_me").status == 200  # followed on first ask
    agrees(service, home, ring)
    for more in ("", "&handoffs=2", "&handoffs=1000"):
        path = f"/v1/rings/{ring}/lookup?account=AUTH_me&container=%63ats&object=1+2%2F%C3%A9{more}"
        for tcp in (False, True):
            answer = service.get(path, tcp=tcp)
            assert answer.body == home.get(path).body
            assert answer.headers["ETag"] == home.get(path).headers["ETag"]
    mine = service.get(f"/v1/rings/{ring}").json
    theirs = home.get(f"/v1/rings/{ring}").json
    same = ("ring", "stamp", "epoch", "version", "digest", "timestamp", "time", "deleted",
            "partition_power", "partitions", "replicas", "assignments", "hash")
    assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}
    assert mine["devices"] == [{key: d[key] for key in mine["devices"][0]}
                               for d in theirs["devices"]]
    assert ring in [one["ring"] for one in service.get("/v1/rings").json["rings"]]


def test_each_update_is_answered_with_soon(home, ring):
    home.service.look(ring, "a")
    assert home.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
    home.service.until_stamp(ring, home.stamp(ring), home)
    agrees(home.service, home, ring)
    assert home.delete(ring).status == 200
    until(lambda: home.service.look(ring, "a").status == 404, "it is deleted")
    for answer in (home.service.look(ring, "a"), home.service.batch(ring, [(b"a",)]),
                   home.service.many(ring, [["a"]])):
        assert (answer.status, answer.json["code"]) == (404, "deleted")
    assert home.create(ring, spec(part_power=4)).status == 201
    home.service.until_stamp(ring, home.stamp(ring), home)
    agrees(home.service, home, ring)


def test_names_of_any_bytes(home, ring):
    odd = [(b"\xff\xfe", b"\x80"), (b"a\0b", b"c", b"\0"), (b"a/b", b"c/d", b"e//f"),
           (bytes(range(1, 256)), bytes(range(256)), b"?&=%+ \n"), (b"a", b"b", b"x" * 65535)]
    batch = home.service.batch(ring, odd)
    for i, name in enumerate(odd[:4]):
        answer = home.service.look(ring, *name)
        assert answer.status == 200, answer.body
        assert answer.json["partition"] == batch.partitions[i]
        assert [d["id"] for d in answer.json["devices"]] == batch.devices[i]
    nul = home.service.many(ring, [["a\0b", "c", "\0"]]).json
    assert nul["answers"][0]["partition"] == batch.partitions[1]
    # The longest name has its place too: the agent hashes it the same, in pieces of a file.
    assert batch.partitions[4] < 64


def test_a_large_batch_is_what_its_names_are_one_by_one(home, ring):
    names = [(f"AUTH_{i % 7}", f"c{i % 11}", f"{i}.jpg") for i in range(5000)]
    wire = [tuple(part.encode() for part in name) for name in names]
    many = home.service.many(ring, names).json["answers"]
    batch = home.service.batch(ring, wire)
    assert batch.partitions == [one["partition"] for one in many]
    assert batch.devices == [one["devices"] for one in many]
    for i in (0, 255, 256, 4999):
        assert home.service.look(ring, *names[i]).json["partition"] == batch.partitions[i]
    most = home.service.batch(ring, (wire * 14)[:65536])
    assert most.partitions[:5000] == batch.partitions and len(most.devices) == 65536
    assert home.service.batch(ring, []).devices == []


def test_devices_of_clusters_that_are_heard_come_first(home, ring):
    devices = [{"name": f"d{i}", "cluster": "eu" if i == 3 else f"gone-{i}", "region": "r",
                "zone": "z", "weight": 1} for i in range(4)]
    assert home.update(ring, {**spec(), "devices": devices}).status == 200
    home.service.until_stamp(ring, home.stamp(ring), home)
    plain = home.service.batch(ring, BYTES).devices
    first = home.service.batch(ring, BYTES, flags=1).devices
    assert [sorted(row, key=lambda d: d != 3) for row in plain] == first != plain
    assert [a["devices"] for a in home.service.many(ring, NAMES, active_first=True).json["answers"]] == first
    assert [[d["id"] for d in home.service.look(ring, *name, active_first="true").json["devices"]]
            for name in NAMES] == first


def test_the_version_before(home, ring):
    """While data moves: both, of the same names, one by one and in a batch."""
    with Service(home.world.folder, f"file:{home.data}", f"unix:{home.socket}", name="both", rings=[ring],
                 **{"keep-previous": None}) as both:
        first = [both.look(ring, *name, previous="true").json for name in NAMES]
        assert [one["previous"] for one in first] == [None] * len(NAMES)
        assert both.many(ring, NAMES, previous=True).json["previous"] is None
        assert home.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
        both.until_stamp(ring, home.stamp(ring), home)
        keys = ("stamp", "epoch", "version", "digest", "partitions", "hash")
        same = {key: first[0][key] for key in keys}
        rows = []
        for name, was in zip(NAMES, first):
            now = both.look(ring, *name, previous="true").json
            assert now.pop("previous") == same | {"partition": was["partition"], "devices": was["devices"]}
            assert now == ids(home, ring, name) == both.look(ring, *name).json
            rows.append([d["id"] for d in now["devices"]])
        many = both.many(ring, NAMES, previous=True).json
        before = many.pop("previous")
        assert [a.pop("previous") for a in many["answers"]] == \
            [{"partition": was["partition"], "devices": [d["id"] for d in was["devices"]]} for was in first]
        told = {d["id"]: d for d in before.pop("devices")}
        assert told == {d["id"]: d for was in first for d in was["devices"]} and before == same
        assert many == both.many(ring, NAMES).json and [a["devices"] for a in many["answers"]] == rows
        assert rows != [[d["id"] for d in was["devices"]] for was in first]  # something moved
        first_ones = both.look(ring, "a", active_first="true", previous="true").json["previous"]["devices"]
        assert sorted(d["id"] for d in first_ones) == \
            sorted(d["id"] for d in both.look(ring, "a", previous="true").json["previous"]["devices"])
        # Deleted and made again: what was before has no places.
        assert home.delete(ring).status == 200
        until(lambda: both.look(ring, "a").status == 404, "it is deleted", home)
        assert both.look(ring, "a", previous="true").json["code"] == "deleted"
        assert home.create(ring, spec(part_power=4)).status == 201
        both.until_stamp(ring, home.stamp(ring), home)
        assert both.look(ring, "a", previous="true").json["previous"] is None
        assert both.many(ring, NAMES, previous=True).json["previous"] is None
    for refused in (home.service.look(ring, "a", previous="true"),
                    home.service.many(ring, NAMES, previous=True)):
        assert (refused.status, refused.json["code"], refused.json["field"]) == (422, "bad-value", "previous")


def test_what_is_asked_wrongly_is_said(home, ring):
    service = home.service
    path = f"/v1/rings/{ring}/lookup"
    wrong = [("", 400, "unknown-field", "account"), ("?account=", 400, "unknown-field", "account"),
             ("?account=a&object=b", 400, "unknown-field", "container"),
             ("?account=a&handoffs=1001", 422, "bad-value", "handoffs"),
             ("?account=a&account=b", 400, "unknown-field", "account"),
             ("?account=a&active_first=1", 422, "bad-value", "active_first"),
             ("?account=a&previous=maybe", 422, "bad-value", "previous"),
             ("?account=a&some=b", 400, "unknown-field", "some")]
    for query, status, code, field in wrong:
        answer = service.get(path + query)
        assert (answer.status, answer.json["code"], answer.json["field"]) == (status, code, field)
    assert service.get(path + "?account=%4").status == 400
    assert service.get("/v1/rings/Not-A-Name/lookup?account=a").json["code"] == "bad-name"
    assert service.look("nobody-made-it", "a").json["code"] == "not-found"
    assert service.ask("PUT", path, b"").headers["Allow"] == "GET, POST"
    assert service.ask("POST", path, b"x", {"Content-Type": "text/plain"}).status == 415
    texts = [("{", "bad-json", None), ("[]", "bad-json", None), ('{"names": [["a", 1]]}', "bad-value", "/names/0"),
             ('{"names": [["a"], ["a", "", "c"]]}', "unknown-field", "/names/1"),
             ('{"names": [], "mode": 1}', "unknown-field", "mode"), ('{"previous": 1}', "unknown-field", "previous"), ("{}", "unknown-field", "names"),
             ('{"names": [["\xff"]]}', "bad-json", None), ("[" * 100000, "bad-json", None),
             (json.dumps({"names": [["a"]] * 10001}), "too-large", None)]
    for text, code, field in texts:
        answer = service.ask("POST", path, text.encode("latin-1"))
        assert answer.json["code"] == code, (text[:40], answer.body)
        assert field is None or answer.json["field"] == field
    good = question([(b"a", b"b", b"c")])
    wires = [(b"", "bad-format", 0), (b"MCQ2" + good[4:], "upgrade-needed", 3),
             (b"JPEG" + good[4:], "bad-format", 0), (good[:-1], "bad-format", 12),
             (good + b"x", "bad-format", 12), (good[:8] + b"\2" + good[9:], "bad-value", 8),
             (good[:4] + struct.pack("<I", 65537) + good[8:], "too-large", 4),
             (question([(b"a",), (b"", b"b")]), "bad-value", 22),
             (question([(b"a", b"", b"c")]), "bad-value", 16),
             (good.replace(b"a/b", b"a.b"), "bad-value", 16)]
    for body, code, offset in wires:
        answer = service.ask("POST", path, body, {"Content-Type": WIRE})
        assert (answer.json["code"], answer.json["offset"]) == (code, offset), answer.body


# ---- who is there and who is not ----

def test_without_an_agent_on_the_host(home, ring):
    """memcached alone, as on a host without an agent's folder."""
    with Service(home.world.folder, home.memcached.url, name="far", rings=[ring]) as far:
        far.until_stamp(ring, home.stamp(ring), home)  # the agent fills it after it answered
        agrees(far, home, ring)
        assert far.get("/v1/rings").json["rings"][0]["source"] == home.memcached.url
        home.memcached.process.send_signal(signal.SIGSTOP)
        try:
            before = far.look(ring, "AUTH_me").body
            assert home.update(ring, spec(weights=(1, 2, 3, 4, 5))).status == 200
            assert far.look(ring, "AUTH_me").body == before
        finally:
            home.memcached.process.send_signal(signal.SIGCONT)
        far.until_stamp(ring, home.stamp(ring), home)
        agrees(far, home, ring)


def test_ready_before_anybody_else(world):
    """Neither agent nor memcached nor broker is there when it starts."""
    eu = world.cluster("eu")
    with Service(world.folder, f"file:{eu.data}", f"unix:{eu.socket}", rings=["photos"]) as service:
        assert service.get("/readyz").status == 503
        assert "photos is not held" in service.get("/readyz").json["reasons"][0]
        assert service.look("photos", "a").json["code"] == "unreachable"
        assert service.get("/v1/status").json["verdict"] == "failing"
        eu.start(alone=True)
        assert eu.create("photos", spec()).status == 201
        until(lambda: service.get("/readyz").status == 200, "it is ready", eu, service)
        agrees(service, eu, "photos")
        before = [service.look("photos", *name).json for name in NAMES]
        eu.kill()
        world.bus.unlink()  # the broker is gone, and the agent
        assert service.stop() == 0
        service.start()
        assert service.get("/readyz").status == 200
        again = [service.look("photos", *name).json for name in NAMES]
        assert [a["devices"] for a in again] == [b["devices"] for b in before]
        assert service.get("/v1/status").json["verdict"] == "ok"


def shared_pages(pid, file):
    """PSS and RSS in kB of a file's mapping in a process."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    sums = {"Pss": 0, "Rss": 0}
    inside = False
    for line in text.splitlines():
        if "-" in line.split(" ")[0]:
            inside = line.endswith(str(file))
        elif inside and line.split(":")[0] in sums:
            sums[line.split(":")[0]] += int(line.split()[1])
    return sums


def test_several_processes_share_one_table(home):
    big = spec(part_power=18)
    assert home.create("big", big).status == 201
    file = home.data / "rings" / "big.ring"
    with contextlib.ExitStack() as stack:
        all_of_them = [stack.enter_context(Service(home.world.folder, f"file:{home.data}", name=f"s{i}",
                                                   tcp=False, rings=["big"])) for i in range(4)]
        for service in all_of_them:
            agrees(service, home, "big")
        sums = [shared_pages(service.process.pid, file) for service in all_of_them]
        for one in sums:
            assert one["Rss"] * 1024 > 2 ** 18 * 3 * 2 * 0.9  # it is mapped and was read
        assert sum(one["Pss"] for one in sums) < 1.2 * max(one["Rss"] for one in sums)


# ---- under load ----

def test_no_answer_is_missing_or_torn_while_a_ring_changes(home, ring):
    """Each answer is that of the version that it names; none fails."""
    stop = threading.Event()
    singles, batches, wrong = [], [], []

    def ask(tcp):
        connection = home.service.connect(tcp)
        i = 0
        while not stop.is_set():
            i += 1
            try:
                name = NAMES[i % len(NAMES)]
                one = home.service.look(ring, *name, connection=connection)
                assert one.status == 200, one.body
                singles.append((one.json["digest"], name, tuple(d["id"] for d in one.json["devices"])))
                got = home.service.batch(ring, BYTES, connection=connection)
                assert isinstance(got, Batch), got.body
                batches.append((got.digest, got.devices))
            except Exception as error:
                wrong.append(error)
                return
        connection.close()

    assert home.service.look(ring, "a").status == 200
    threads = [threading.Thread(target=ask, args=(i % 2 == 0,)) for i in range(4)]
    for thread in threads:
        thread.start()
    tables = {}
    try:
        for version in range(12):
            weights = tuple((version * k) % 7 + 1 for k in range(1, 6))
            answer = home.update(ring, spec(weights=weights))
            assert answer.status == 200, answer.body
            now = [ids(home, ring, name) for name in NAMES]
            tables[now[0]["digest"]] = [[d["id"] for d in one["devices"]] for one in now]
            seen = now[0]["digest"]
            until(lambda: wrong or (batches and batches[-1][0] == seen), "it is answered with",
                  home, home.service)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    known = [(digest, rows) for digest, rows in batches if digest in tables]
    assert len({digest for digest, _ in known}) == 12
    for digest, rows in known:
        assert rows == tables[digest]
    for digest, name, row in singles:
        if digest in tables:
            assert list(row) == tables[digest][NAMES.index(name)]


# ---- abuse ----

def test_clients_that_behave_badly_keep_nobody_out(home, ring):
    """Slow ones, huge ones, many: bounded, and the others go on."""
    with Service(home.world.folder, f"file:{home.data}", name="abused", rings=[ring],
                 **{"max-connections": 64, "threads": 2}) as service:
        good = service.connect()
        want = service.look(ring, "AUTH_me", connection=good).body
        crowd = []
        for i in range(2000):  # many more than it takes
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(DEADLINE)
            one.connect(str(service.socket))
            with contextlib.suppress(OSError):
                one.sendall(b"GET / HT" if i % 2 else b"")
            crowd.append(one)
            if i % 10 == 0:  # 32 places for each thread: who asks now and then keeps his
                assert service.look(ring, "AUTH_me", connection=good).body == want
            if i % 100 == 0:
                assert service.look(ring, "AUTH_me").body == want
        open_files = len(list(pathlib.Path(f"/proc/{service.process.pid}/fd").iterdir()))
        assert open_files < 64 + 200
        for one in crowd:
            one.close()
        # A body that is too long, one whose length is a lie, and one that never ends.
        long = service.ask("POST", f"/v1/rings/{ring}/lookup", b"x" * (17 << 20))
        assert (long.status, long.json["code"]) == (413, "too-large")
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(DEADLINE)
            one.connect(str(service.socket))
            one.sendall(f"POST /v1/rings/{ring}/lookup HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 99999999999\r\n\r\n".encode())
            assert one.recv(100).startswith(b"HTTP/1.1 413 ")
        # A batch that comes in drops, and one whose answer nobody reads for now.
        body = question((BYTES * 3000)[:65536])
        head = (f"POST /v1/rings/{ring}/lookup HTTP/1.1\r\nHost: x\r\nContent-Type: {WIRE}\r\n"
                f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        with socket.socket(socket.AF_UNIX) as slow, socket.socket(socket.AF_UNIX) as deaf:
            for one in (slow, deaf):
                one.settimeout(DEADLINE)
                one.connect(str(service.socket))
            deaf.sendall(head + body)
            slow.sendall(head)
            step = len(body) // 40
            for at in range(0, len(body), step):
                slow.sendall(body[at:at + step])
                assert service.look(ring, "AUTH_me").body == want
            rows = [one.makefile("rb").read().split(b"\r\n\r\n", 1)[1] for one in (slow, deaf)]
        batch = Batch(rows[0])
        assert batch.devices == Batch(rows[1]).devices and len(batch.devices) == 65536
        assert batch.devices[:len(BYTES)] == service.batch(ring, BYTES).devices
        # Many requests in one piece are all answered, in their order.
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(DEADLINE)
            one.connect(str(service.socket))
            line = f"GET /v1/rings/{ring}/lookup?account=AUTH_%d HTTP/1.1\r\nHost: x\r\n\r\n"
            one.sendall("".join(line % i for i in range(100)).encode())
            file = one.makefile("rb")
            for i in range(100):
                assert file.readline().startswith(b"HTTP/1.1 200 ")
                length = 0
                while (head := file.readline()) != b"\r\n":
                    if head.lower().startswith(b"content-length:"):
                        length = int(head.split(b":")[1])
                assert json.loads(file.read(length)) == ids(home, ring, (f"AUTH_{i}",))
        assert service.look(ring, "AUTH_me").body == want
        status = service.get("/v1/status").json
        assert status["failed"] == 0 and status["lookups"] > 100


def resident(process):
    """Bytes of memory that it has."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(text.split("VmRSS:")[1].split()[0])


def descriptors(process):
    return len(list(pathlib.Path(f"/proc/{process.pid}/fd").iterdir()))


def test_ten_thousand_connections(home, ring):
    """As many as it takes are open at once, each was answered and is kept; the others go on,
    one more has its place, memory is bounded, and it is as before when they are gone."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(10000, most - 1500)
    assert count > 1000, "ulimit -Hn"
    line = f"GET /v1/rings/{ring}/lookup?account=AUTH_me HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    crowd = []

    def dial(text):
        one = socket.socket(socket.AF_UNIX)
        one.settimeout(DEADLINE)
        one.connect(str(service.socket))
        one.sendall(text)
        crowd.append(one)
        return one

    with Service(home.world.folder, f"file:{home.data}", name="crowded", rings=[ring],
                 **{"max-connections": count, "threads": 1}) as service:
        good = service.connect()
        want = service.look(ring, "AUTH_me", connection=good)
        empty, files = resident(service.process), descriptors(service.process)
        began = time.monotonic()
        for i in range(count - 21):
            assert dial(line).recv(4096).startswith(b"HTTP/1.1 200 ")
            if i % 500 == 0:
                assert service.look(ring, "AUTH_me", connection=good).body == want.body
        slow = [dial(line[:-i - 3]) for i in range(20)]
        assert service.look(ring, "AUTH_me", connection=good).body == want.body
        kept = time.monotonic() - began < 25  # longer than 30 s nobody is, who asks no more
        assert descriptors(service.process) >= files + count - 21 or not kept
        each = (resident(service.process) - empty) / count
        assert each < 48 << 10 or not kept, each
        began = time.monotonic()
        for _ in range(100):  # beyond: each has the place of one that rests,
            assert dial(line).recv(4096).startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - began < 20  # not of one that was closed for its age
        assert service.look(ring, "AUTH_me", connection=good).body == want.body
        assert descriptors(service.process) < files + count + 64  # a few are being closed
        for i, one in enumerate(slow):
            with contextlib.suppress(OSError):  # after 5 s it is cut
                one.sendall(line[-i - 3:])
        for one in crowd:
            one.close()
        until(lambda: descriptors(service.process) <= files + 1, "all of them are gone", service)
        batch = service.batch(ring, BYTES * 100)
        assert len(batch.partitions) == len(BYTES) * 100
        assert service.look(ring, "AUTH_me").body == want.body
        assert service.get("/v1/status").json["failed"] == 0


def test_names_of_no_ring_are_not_kept(home):
    before = home.service.get("/v1/status").json["rings"]
    for i in range(50):
        assert home.service.look(f"no-such-{i}", "a").status == 404
    assert home.service.get("/v1/status").json["rings"] == before


# ---- flags ----

def run(*words):
    return subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)


@pytest.mark.parametrize("words, says", [
    ((), "--source is needed"), (("--source", "ftp://x"), "is no place"),
    (("--source", "file:/x", "--listen", "8.8.8.8:80"), "loopback"),
    (("--source", "file:/x", "--ring", "Photos"), "not a name"),
    (("--source", "file:/x", "--threads", "0"), "wants 1 to 64"),
    (("--source", "file:/x", "--unix", "relative"), "absolute path"),
    (("--source", "file:/x", "--swift-conf", "/nowhere"), "--swift-conf: /nowhere: "),
    (("--sauce", "file:/x"), "--sauce"), (("--source", "file:/x", "more"), "takes flags only")])
def test_flags_that_are_wrong(words, says):
    for more in ((), ("--check-config",)):
        done = run(*words, *more)
        assert done.returncode in (2, 3) and says in done.stderr, done.stderr


def test_flags_that_are_good(tmp_path):
    done = run("--source", "file:/x", "--unix", tmp_path / "s", "--check-config")
    assert (done.returncode, done.stdout) == (0, "mcos-resolver: the configuration is good\n")
    assert not (tmp_path / "s").exists()
    assert run("--version").stdout.startswith("mcos-resolver ")
    assert "--max-connections" in run("--help").stdout
    (tmp_path / "r.conf").write_text('source = "file:/x"\nring = {"photos", "videos"}\nthreads = 3\n')
    done = run("--config", tmp_path / "r.conf", "--threads", "2", "--print-config")
    assert f'ring = {{"photos", "videos"}}    # {tmp_path}/r.conf:2' in done.stdout
    assert 'threads = "2"    # flag' in done.stdout and 'system = "mcos"    # built-in' in done.stdout
    (tmp_path / "r.conf").write_text('source = "file:/x"\nkeep_previous = "maybe"\n')
    done = run("--config", tmp_path / "r.conf", "--check-config")
    assert done.returncode == 2 and 'keep_previous: "maybe": wants yes or no' in done.stderr
    (tmp_path / "r.conf").write_text('source = "file:/x"\nring = {"Photos"}\n')
    done = run("--config", tmp_path / "r.conf", "--check-config")
    assert done.returncode == 2 and f'{tmp_path}/r.conf:2: ring: "Photos": not a name' in done.stderr
