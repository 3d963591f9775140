# SPDX-License-Identifier: Apache-2.0
"""Places that answer nonsense, or nothing, and what answers tell of clusters."""
import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from asker import Asker
from test_memcached import Memcached, PREFIX
from test_resolver import NAMES, home, places, ring  # noqa: F401 (fixtures)
from world import BUILD, DEADLINE, new_world, spec, until


class Server:
    """Answers each connection as `behave(connection)` does, until it is closed."""

    def __init__(self, path, behave):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(16)
        self.behave = behave
        self.seen = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.seen += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(2 * DEADLINE)
                self.behave(connection)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(DEADLINE)
        self.socket.close()


def says(head, body=b"", declared=None):
    def behave(connection):
        connection.recv(65536)
        connection.sendall(head.encode() + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                           % (len(body) if declared is None else declared) + body)
    return behave


def nothing(connection):
    connection.recv(65536)
    connection.recv(1)  # until the other one has had enough


def drip(connection):
    connection.recv(65536)
    while connection.send(b"H"):  # the same
        time.sleep(0.05)


OK = "HTTP/1.1 200 OK"
NONSENSE = {
    "random": (says(OK, os.urandom(5000)), "damaged"),
    "empty": (says(OK), "damaged"),
    "cut": (says(OK, b"\x89MCRING\n" + bytes(500), declared=4096), "away"),
    "another page": (says(OK, b"<html>welcome</html>"), "damaged"),
    "redirect": (says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"), "damaged"),
    "broken": (says("HTTP/1.1 500 Oops", b"x"), "away"),
    "304 unasked": (says("HTTP/1.1 304 Not Modified"), "damaged"),
    "no HTTP": (lambda connection: connection.sendall(os.urandom(2000)), "away"),
    "hangs up": (lambda connection: None, "away"),
    "nothing": (nothing, "away"),
    "a drip": (drip, "away"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_an_agent_that_answers_nonsense_changes_no_answer(home, tmp_path, what):  # noqa: F811
    behave, counter = NONSENSE[what]
    copy = nonsense_copy(home, tmp_path)
    server = Server(tmp_path / "s", behave)
    try:
        with Asker(f"file:{tmp_path}", f"unix:{tmp_path}/s", timeout_ms=200) as asker:
            assert asker.wait("photos") == "ok"
            answers = [asker.look("photos", *name) for name in NAMES]
            copy.unlink()  # now the agent is asked
            until(lambda: asker.stats("photos")[counter] > 0, f"{counter} is counted")
            assert [asker.look("photos", *name) for name in NAMES] == answers
            assert asker.stats("photos")["adopted"] == 1
            assert server.seen > 0
    finally:
        server.close()


class Backward(Server):
    """An agent that never answers for one of its rings, and as `home` does for others."""

    def __init__(self, path, home, ring):
        self.home, self.ring = str(home.socket), ring.encode()
        super().__init__(path, self.pass_on)

    def pass_on(self, connection):
        with socket.socket(socket.AF_UNIX) as agent:
            agent.connect(self.home)
            while (asked := connection.recv(65536)) and b"/" + self.ring + b"/" not in asked:
                agent.sendall(asked)
                answer = agent.recv(1 << 20)
                head = answer.split(b"\r\n\r\n")[0]
                rest = int(head.lower().split(b"content-length:")[1].split()[0]) \
                    if b"content-length:" in head.lower() else 0
                while len(answer) < len(head) + 4 + rest:
                    answer += agent.recv(1 << 20)
                connection.sendall(answer)
            connection.recv(1)  # until the other one has had enough


def test_a_ring_that_does_not_come_holds_up_no_other(home, ring, tmp_path):  # noqa: F811
    slow = f"a-{ring}"[:60]
    assert home.create(slow, spec()).status == 201
    server = Backward(tmp_path / "s", home, slow)
    try:
        with Asker(f"unix:{tmp_path}/s", timeout_ms=200) as asker:
            assert asker.wait(slow, 0).startswith("error unreachable")
            until(lambda: asker.wait(ring, 0) == "ok", "the other one is there")
            assert home.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
            asker.until_stamp(ring, home.stamp(ring), home)
            assert asker.wait(slow, 0).startswith("error unreachable")
    finally:
        server.close()


@pytest.mark.parametrize("first", ["random", "a page", "another ring", "its record"])
def test_what_an_agent_sends_is_read_no_further_than_a_record(home, tmp_path, first):  # noqa: F811
    """Without end, after what is no record, not that one, or all of it."""
    copy = nonsense_copy(home, tmp_path)
    if home.stamp("another") is None:
        assert home.create("another", spec()).status == 201
    begins = {"random": os.urandom(64), "a page": b"<html>" * 1000, "its record": copy.read_bytes(),
              "another ring": (home.data / "rings" / "another.ring").read_bytes()}[first]
    sent = []

    def endless(connection):
        most = 1 << 20 if b"/rings/" in connection.recv(65536) else 5 << 20  # of the clusters
        connection.sendall(f"{OK}\r\nContent-Length: {1 << 40}\r\n\r\n".encode() + begins)
        more = 0
        try:
            while True:
                more += connection.send(bytes(65536))
        finally:
            sent.append((more, most))

    server = Server(tmp_path / "s", endless)
    try:
        with Asker(f"file:{tmp_path}", f"unix:{tmp_path}/s", timeout_ms=20000) as asker:
            assert asker.wait("photos") == "ok"
            before = asker.look("photos", *NAMES[0])
            copy.unlink()
            until(lambda: asker.stats("photos")["damaged"] > 0, "it is counted")
            assert asker.look("photos", *NAMES[0]) == before
            until(lambda: sent, "it was hung up on")
            assert all(more < most for more, most in sent), sent  # much of it what sockets hold
    finally:
        server.close()


SILENT_NAMES = """
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
s.set_inheritable(True)  # it stays open, and nobody reads it
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_name_server_that_does_not_answer_is_waited_for_as_an_agent_is(tmp_path):
    inside = ["unshare", "-rmn", "sh", "-c"]
    if subprocess.run([*inside, "ip link set lo up"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no name spaces here")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    asker = [BUILD / "test" / "tool" / "asker", "http://nobody.example:8471", "timeout_ms=100"]
    began = time.monotonic()
    done = subprocess.run(
        [*inside, f'ip link set lo up; mount --bind {tmp_path}/resolv.conf /etc/resolv.conf; exec "$@"', "sh",
         sys.executable, "-c", SILENT_NAMES, *map(str, asker)],
        input="wait photos 0\n", capture_output=True, text=True, timeout=2 * DEADLINE, check=False)
    assert "did not answer in 0.1 s" in done.stdout, (done.stdout, done.stderr)
    assert time.monotonic() - began < 10  # a name server is waited for three times that


class Laggard(Server):
    """An agent that has the same record for ever."""

    def __init__(self, path, record):
        self.record, self.bodies = record, 0
        super().__init__(path, self.answer)

    def answer(self, connection):
        while asked := connection.recv(65536):
            if b"/file" not in asked:
                head, body = b"404 Not Found", b""
            elif b'If-None-Match: "old"' in asked:
                head, body = b"304 Not Modified", b""
            else:
                head, body = b"200 OK", self.record
                self.bodies += 1
            connection.sendall(b'HTTP/1.1 %s\r\nETag: "old"\r\nContent-Length: %d\r\n\r\n%s'
                               % (head, len(body), body))


def test_an_older_version_is_fetched_once(tmp_path):
    with new_world() as world:
        memcached = Memcached(world.folder).start()
        server = None
        try:
            eu = world.start("eu", cache=memcached.url)
            assert eu.create("photos", spec()).status == 201
            first = (eu.data / "rings" / "photos.ring").read_bytes()
            with Asker(memcached.url) as asker:
                asker.until_stamp("photos", eu.stamp("photos"), eu)
            eu.kill()
            eu = world.start("eu")  # and memcached is forgotten
            until(lambda: eu.update("photos", spec(weights=(1, 200, 100, 200, 50))).status == 200,
                  "it is ready", eu)
            copy = nonsense_copy(eu, tmp_path)
            server = Laggard(tmp_path / "s", first)
            with Asker(f"file:{tmp_path}", memcached.url, f"unix:{tmp_path}/s") as asker:
                asker.until_stamp("photos", eu.stamp("photos"), eu)
                copy.unlink()  # now the others are asked
                until(lambda: asker.stats("photos")["older"] > 1, "both were asked")
                looks, gets = asker.stats("photos")["looks"], gets_of(memcached)
                until(lambda: asker.stats("photos")["looks"] > looks + 10, "again and again")
                gets = gets_of(memcached) - gets
                stats = asker.stats("photos")
                assert gets <= stats["looks"] - looks + 1  # manifests alone
                assert server.bodies == 1
                assert (stats["error"], stats["damaged"]) == ("stale", 0)
                assert asker.stamp("photos") == eu.stamp("photos")
        finally:
            if server is not None:
                server.close()
            memcached.stop()


def gets_of(memcached):
    return memcached.client().stats()[b"cmd_get"]


def nonsense_copy(home, folder):  # noqa: F811
    if home.stamp("photos") is None:
        assert home.create("photos", spec()).status == 201
    (folder / "rings").mkdir()
    copy = folder / "rings" / "photos.ring"
    copy.write_bytes((home.data / "rings" / "photos.ring").read_bytes())
    return copy


def test_foreign_bytes_in_memcached_change_no_answer(home, ring):  # noqa: F811
    key = f"{PREFIX}:ring:{ring}"
    with Asker(home.memcached.url) as asker:
        asker.until_stamp(ring, home.stamp(ring), home)
        answers = [asker.look(ring, *name) for name in NAMES]
        client = home.memcached.client()
        good = client.get(key)
        for bad in (b"x", os.urandom(900), good[:-1], good + b"x",
                    good[:40] + bytes([good[40] ^ 1]) + good[41:]):
            before = asker.stats(ring)["damaged"]
            client.set(key, bad)
            until(lambda: asker.stats(ring)["damaged"] > before
                  or client.get(key) != bad, "it is noticed")  # or mended by the agent
            assert [asker.look(ring, *name) for name in NAMES] == answers
        assert asker.stats(ring)["damaged"] > 0
        client.delete(key)
        assert [asker.look(ring, *name) for name in NAMES] == answers


def test_memcached_that_goes_and_comes_back(tmp_path):
    with new_world() as world:
        memcached = Memcached(world.folder).start()
        try:
            eu = world.start("eu", cache=memcached.url)
            assert eu.create("photos", spec()).status == 201
            with Asker(memcached.url) as asker:
                asker.until_stamp("photos", eu.stamp("photos"), eu)
                memcached.stop()
                until(lambda: asker.stats("photos")["away"] > 0, "it is noticed")
                assert asker.look("photos", "a")[2] == eu.lookup("photos", "a")
                assert eu.update("photos", spec(part_power=6, weights=(9, 1, 1))).status == 200
                memcached.start()
                asker.until_stamp("photos", eu.stamp("photos"), eu)
                assert asker.look("photos", "a")[2] == eu.lookup("photos", "a")
        finally:
            memcached.stop()


def devices_of(*clusters):
    return [{"name": name, "cluster": name, "region": "r", "zone": name, "weight": 100}
            for name in clusters]


def test_answers_tell_how_clusters_are(tmp_path):
    """us is heard, then killed; ap was never heard. From the folder and from the agent."""
    with new_world() as world:
        eu, us = world.start("eu", "us")
        doc = {"partition_power": 4, "replicas": 3, "devices": devices_of("eu", "us", "ap")}
        assert eu.create("photos", doc).status == 201
        world.agree("photos", eu.stamp("photos"))
        with Asker(f"file:{eu.data}") as file, Asker(f"unix:{eu.socket}") as agent:
            for asker in (file, agent):
                asker.until_stamp("photos", eu.stamp("photos"), eu)
                until(lambda: sorted(asker.states("photos", "a")) ==
                      ["ACTIVE", "ACTIVE", "unknown"], "us is ACTIVE", eu)
                for name in NAMES:
                    assert asker.states("photos", *name, how="first")[2] == "unknown"
                until(lambda: int(asker.ask("info", "photos").split(" ")[4]) > 0,
                      "it is confirmed", eu)
                checked, confirmed = map(int, asker.ask("info", "photos").split(" ")[3:])
                assert abs(checked - confirmed) < 600e9 and abs(time.time_ns() - checked) < 600e9
            us.kill()
            for asker in (file, agent):
                until(lambda: sorted(asker.states("photos", "a")) ==
                      ["ACTIVE", "silent", "unknown"], "us is silent", eu)
                for name in NAMES:
                    assert asker.look("photos", *name, how="first")[2][0] == "eu"


def test_the_version_before_and_handoffs(home, ring):  # noqa: F811
    with Asker(*places(home).values(), previous=True) as asker:
        asker.until_stamp(ring, home.stamp(ring), home)
        before = {name: asker.look(ring, *name) for name in NAMES}
        assert asker.look(ring, "a", how="before") == "nothing"
        assert home.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
        asker.until_stamp(ring, home.stamp(ring), home)
        for name in NAMES:
            assert asker.look(ring, *name, how="before") == before[name]
    with Asker(f"file:{home.data}", previous=True) as asker:  # one that was not there
        asker.until_stamp(ring, home.stamp(ring), home)
        for name in NAMES:
            assert asker.look(ring, *name, how="before") == before[name]
        for name in NAMES[:5]:
            query = "&".join(f"{key}={value}" for key, value in
                             zip(("account", "container", "object"), name))
            answer = home.get(f"/v1/rings/{ring}/lookup?{query}&handoffs=4").json
            assert asker.ask("handoffs", ring, answer["partition"], 4).split(" ") == \
                [device["name"] for device in answer["handoffs"]]


def test_a_ring_with_swifts_secret_needs_it(home, tmp_path):  # noqa: F811
    conf = tmp_path / "swift.conf"
    conf.write_text("[swift-hash]\nswift_hash_path_suffix = changeme\n")
    conf.chmod(0o600)
    with new_world() as world:
        eu = world.start("eu", **{"swift-conf": conf})
        made = eu.create("object", spec(hash="swift-md5"))
        assert made.status == 201, made.body
        with Asker(f"file:{eu.data}", swift_conf=conf) as right, Asker(f"file:{eu.data}") as none:
            for asker in (right, none):
                asker.until_stamp("object", eu.stamp("object"), eu)
            for name in NAMES:
                assert right.look("object", *name)[2] == eu.lookup("object", *name)
                assert none.look("object", *name).startswith("error secret-needed")
        other = tmp_path / "other.conf"
        other.write_text("[swift-hash]\nswift_hash_path_suffix = another\n")
        with Asker(f"file:{eu.data}", swift_conf=other) as asker:
            asker.until_stamp("object", eu.stamp("object"), eu)
            assert asker.look("object", "a").startswith("error secret-needed")
