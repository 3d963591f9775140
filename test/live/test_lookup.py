# SPDX-License-Identifier: Apache-2.0
"""`mcos lookup` beside two agents, one of which is behind: why, everywhere, and at a version."""
import hashlib
import json
import select
import signal
import subprocess

import pytest

from test_one_answer import xxh3
from world import DEADLINE, MCOS, ROOT, mcos, new_world, spec, until

NAME = ("AUTH_me", "c\u00e9", "a/b.jpg")
GZ, CONF = ROOT / "examples" / "swift-object.ring.gz", ROOT / "examples" / "swift.conf"


def ask(cluster, *words):
    """(exit status, document)"""
    done = mcos("lookup", *words, "--json", server=cluster and f"unix:{cluster.socket}")
    assert len(done.stdout.splitlines()) == 1, (done.stdout, done.stderr)
    return done.returncode, json.loads(done.stdout)


def names(doc):
    return [device["name"] for device in doc["devices"]]


class Behind:
    """eu went on to version 4; us is stopped at 2, and `early` at 1. eu keeps two older ones."""

    def __init__(self, world):
        flags = {"keep-versions": 2}
        self.eu, self.us, self.early = world.start("eu", "us", "early", **flags)
        self.said = {}
        assert self.eu.create("photos", spec(weights=(100,) * 5)).status == 201
        self.note(1)
        self.early.kill(signal.SIGKILL)
        self.next(2, (1, 1, 100, 100, 100))
        self.us.kill(signal.SIGKILL)
        self.next(3, (100, 100, 1, 1, 100))
        self.next(4, (100, 1, 100, 1, 1))
        assert self.eu.create("nowhere-else", spec()).status == 201
        assert self.eu.create("gone", spec()).status == 201
        assert self.eu.delete("gone").status == 200

    def next(self, version, weights):
        assert self.eu.update("photos", spec(weights=weights)).status == 200
        self.note(version)

    def note(self, version):
        self.said[version] = self.eu.lookup("photos", *NAME)
        stamp = self.eu.stamp("photos")
        for cluster in (self.eu, self.us, self.early):
            if cluster.process.poll() is None:
                until(lambda: cluster.holds("photos", stamp), "it holds it", cluster)
                until(lambda: {"cluster": cluster.name, "stamp": stamp}.items() <= next(
                    row for row in self.eu.get("/v1/rings/photos/convergence").json["clusters"]
                    if row["cluster"] == cluster.name).items(), "eu knows", self.eu)


@pytest.fixture(scope="module")
def behind():
    with new_world() as world:
        yield Behind(world)


def test_at_a_version_that_is_kept(behind):
    assert len(set(map(tuple, behind.said.values()))) > 1
    for version in (2, 3, 4):
        status, doc = ask(behind.eu, "photos", *NAME, "--at", version, "--handoffs", 1)
        assert status == 0 and doc["version"] == version
        assert names(doc) == behind.said[version] and len(doc["handoffs"]) == 1
    status, doc = ask(behind.eu, "gone", *NAME, "--at", 1)
    assert status == 0 and doc["version"] == 1 and len(names(doc)) == 3


@pytest.mark.parametrize("ring, version, status, code", [
    ("photos", 1, 3, "version-gone"), ("photos", 5, 3, "not-found"), ("photos", 0, 2, "usage"),
    ("photos", "v1", 2, "usage"), ("gone", 2, 3, "deleted"), ("photos", 2 ** 53, 2, "usage")])
def test_at_a_version_that_is_not(behind, ring, version, status, code):
    done, doc = ask(behind.eu, ring, *NAME, "--at", version)
    assert (done, doc["error"]["code"]) == (status, code), doc


@pytest.mark.parametrize("version", ["", "x", "0", "01", "+1", "1x", "-1", str(2 ** 53), "9" * 40])
def test_the_agent_refuses_what_is_no_version(behind, version):
    answer = behind.eu.get(f"/v1/rings/photos/lookup?account=a&version={version}")
    assert answer.status == 422 and answer.json["code"] == "bad-value", answer.body


def test_everywhere_tells_who_differs(behind):
    status, doc = ask(behind.eu, "photos", *NAME, "--everywhere")
    rows = {row["cluster"]: row for row in doc["everywhere"]}
    assert status == 1 and set(rows) == {"eu", "us", "early"}
    assert rows["eu"]["same"] is True and names(rows["eu"]) == names(doc) == behind.said[4]
    assert rows["us"]["stamp"].startswith("v2.")
    assert rows["us"]["same"] is (behind.said[2] == behind.said[4]) is False
    assert names(rows["us"]) == behind.said[2]
    assert rows["early"]["stamp"].startswith("v1.") and rows["early"]["same"] is None
    assert rows["early"]["devices"] is None and "not kept" in rows["early"]["why"]
    status, doc = ask(behind.eu, "nowhere-else", *NAME, "--everywhere")
    assert status == 0
    why = {row["cluster"]: (row["same"], row.get("why")) for row in doc["everywhere"]}
    assert why == {"eu": (True, None), "us": (None, "it holds none"), "early": (None, "it holds none")}
    done = mcos("lookup", "photos", *NAME, "--everywhere", server=f"unix:{behind.eu.socket}")
    text, status = done.stdout, done.returncode
    assert status == 1
    table = [line.split() for line in text.split("CLUSTER")[2].splitlines()[1:]]
    assert {row[0]: row[3] for row in table} == {"eu": "same", "us": "other", "early": "that"}


def lines_of(behind, text, *words):
    return subprocess.run([MCOS, "--server", f"unix:{behind.eu.socket}", "lookup", "photos", "--stdin",
                           *words], input=text, capture_output=True, timeout=60)


def test_lines_are_answered_as_the_agent_answers_one_by_one(behind):
    questions = [("AUTH_%d" % i, "c", "o%d" % i) for i in range(20)] + [("AUTH_only",), ("AUTH_x", "c")]
    text = "".join("\t".join(q) + "\n" for q in questions).encode()
    done = lines_of(behind, text, "--json", "--handoffs", "2")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(answers) == len(questions), done.stderr
    plain = [line.split("\t") for line in lines_of(behind, text, "--handoffs", "2").stdout.decode().splitlines()]
    for question, answer, line in zip(questions, answers, plain):
        one = ask(behind.eu, "photos", *question, "--handoffs", "2")[1]
        assert answer["partition"] == one["partition"] == int(line[0])
        for kind, ids in (("devices", line[1]), ("handoffs", line[2])):
            assert [(d["id"], d["name"]) for d in answer[kind]] == [(d["id"], d["name"]) for d in one[kind]]
            assert ids == ",".join(str(d["id"]) for d in one[kind])


def test_lines_beyond_a_batch_and_bad_ones_are_answered_in_their_places(behind):
    good = [b"a%d\tc" % i for i in range(3000)]
    bad = {7: b"a\t\to", 1030: b"", 1031: b"a\tb\tc\td", 2999: b"x" * (1 << 20) + b"y"}
    done = lines_of(behind, b"\n".join(bad.get(i, line) for i, line in enumerate(good)), "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    alone = [json.loads(line) for line in lines_of(behind, b"\n".join(good), "--json").stdout.splitlines()]
    assert done.returncode == 8 and len(answers) == len(alone) == 3000
    assert {i: a["error"]["line"] for i, a in enumerate(answers) if "error" in a} == {i: i + 1 for i in bad}
    assert all(a == b for i, (a, b) in enumerate(zip(answers, alone)) if i not in bad)


def test_a_line_is_answered_before_the_next_one_comes(behind):
    with subprocess.Popen([MCOS, "--server", f"unix:{behind.eu.socket}", "lookup", "photos", "--stdin"],
                          bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        for part in (b"AUTH_me\tc\n", b"AUTH_y", b"ou\n", b"last"):
            run.stdin.write(part)
            if part.endswith(b"\n"):
                assert select.select([run.stdout], [], [], DEADLINE)[0], "no answer"
                assert run.stdout.readline().count(b"\t") == 2
        run.stdin.close()
        assert run.stdout.read().count(b"\n") == 1 and run.wait(30) == 0


def test_lines_of_a_ring_that_is_not_there_or_deleted(behind):
    for ring in ("nothing", "gone"):
        done = subprocess.run([MCOS, "--server", f"unix:{behind.eu.socket}", "lookup", ring, "--stdin", "--json"],
                              input=b"a\n", capture_output=True, timeout=60)
        assert done.returncode == 3 and len(done.stdout.splitlines()) == 1, done.stdout


def new_in(device, before):
    """The first of region, zone and host that no device before shares with it."""
    for depth, tier in enumerate(("region", "zone", "host"), 1):
        here = [device[key] for key in ("region", "zone", "host")[:depth]]
        if all([other[key] for key in ("region", "zone", "host")[:depth]] != here for other in before):
            return tier
    return "device"


def check_explained(doc, source):
    told = doc["explain"]
    assert told["source"] == str(source) and told["name"] == "/".join(NAME)
    assert 1 << told["bits"] == doc["partitions"] and told["hash"] == doc["hash"]
    start = hashlib.md5(str(doc["partition"]).encode()).digest()[:4]
    assert told["start"] == int.from_bytes(start, "big") >> (32 - told["bits"]) and told["step"] == 1
    assert [h["id"] for h in told["handoffs"]] == [h["id"] for h in doc["handoffs"]]
    met = list(doc["devices"])
    for handoff, why in zip(doc["handoffs"], told["handoffs"]):
        assert why["new"] == new_in(handoff, met)
        met.append(handoff)
    return {why["new"] for why in told["handoffs"]}


def test_explained(behind):
    status, doc = ask(behind.eu, "photos", *NAME, "--explain", "--at", 2)
    assert status == 0 and doc["version"] == 2 and names(doc) == behind.said[2]
    check_explained(doc, f"unix:{behind.eu.socket}")
    value = xxh3("/".join(NAME).encode())
    assert doc["explain"]["value"] == f"{value:016x}" and value >> 58 == doc["partition"]
    text = mcos("lookup", "photos", *NAME, "--explain", server=f"unix:{behind.eu.socket}").stdout
    assert f"top 6 bits: {doc['partition']} of 64" in text and f"xxh3 {value:016x}" in text


def test_explained_down_to_the_device(behind):
    devices = [{"name": f"d{i}", "region": f"r{i % 2}", "zone": f"z{i % 4}", "host": f"h{i % 8}", "weight": 1}
               for i in range(12)]
    assert behind.eu.create("hosts", {"partition_power": 8, "replicas": 1, "devices": devices}).status == 201
    status, doc = ask(behind.eu, "hosts", *NAME, "--explain", "--handoffs", 11)
    assert status == 0 and len(doc["handoffs"]) == 11
    assert check_explained(doc, f"unix:{behind.eu.socket}") == {"region", "zone", "host", "device"}


def test_explained_without_telling_a_secret():
    status, doc = ask(None, "--file", GZ, "--swift-conf", CONF, *NAME, "--explain", "--handoffs", 9)
    assert status == 0 and doc["explain"]["value"] is None
    assert check_explained(doc, GZ) == {"zone", "host"}
    text = mcos("lookup", "--file", GZ, "--swift-conf", CONF, *NAME, "--explain").stdout
    assert "they are secret" in text and "row of" not in text


@pytest.mark.parametrize("words", [
    ("--file", GZ, "a", "--at", "1"), ("--file", GZ, "a", "--everywhere"),
    ("--file", GZ, "--stdin", "--explain"), ("photos", "a", "--at", "1", "--everywhere"),
    ("photos", "--stdin", "--explain"), ("photos", "--stdin", "--at", "1"), ("--stdin",),
    ("photos", "--stdin", "--everywhere"), ("photos", "a", "--stdin"),
    ("--file", GZ, "a", "--stdin"), ("photos", "a", "--swift-conf", CONF)])
def test_what_does_not_go_together(words):
    status, doc = ask(None, *words)
    assert (status, doc["error"]["code"]) == (2, "usage"), doc
