# SPDX-License-Identifier: Apache-2.0
"""`mcos lookup` beside two agents, one of which is behind: why, everywhere, and at a version."""
import hashlib
import json
import signal

import pytest

from test_one_answer import xxh3
from world import ROOT, mcos, new_world, spec, until

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
    assert status == 0 and set(rows) == {"eu", "us", "early"}
    assert rows["eu"]["same"] is True and names(rows["eu"]) == names(doc) == behind.said[4]
    assert rows["us"]["stamp"].startswith("v2.")
    assert rows["us"]["same"] is (behind.said[2] == behind.said[4]) is False
    assert names(rows["us"]) == behind.said[2]
    assert rows["early"]["stamp"].startswith("v1.") and rows["early"]["same"] is None
    assert rows["early"]["devices"] is None and "not kept" in rows["early"]["why"]
    status, doc = ask(behind.eu, "nowhere-else", *NAME, "--everywhere")
    why = {row["cluster"]: (row["same"], row.get("why")) for row in doc["everywhere"]}
    assert why == {"eu": (True, None), "us": (None, "it holds none"), "early": (None, "it holds none")}
    text = mcos("lookup", "photos", *NAME, "--everywhere", server=f"unix:{behind.eu.socket}").stdout
    table = [line.split() for line in text.split("CLUSTER")[2].splitlines()[1:]]
    assert {row[0]: row[3] for row in table} == {"eu": "same", "us": "other", "early": "that"}


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
    ("--file", GZ, "--stdin", "--explain"), ("photos", "a", "--at", "1", "--everywhere")])
def test_what_does_not_go_together(words):
    status, doc = ask(None, *words)
    assert (status, doc["error"]["code"]) == (2, "usage"), doc
