# SPDX-License-Identifier: Apache-2.0
"""Names that nobody expects: every way in gives the same partition, or refuses."""
import json
import urllib.parse

import pytest
import redis

import pybinding  # noqa: F401  where the package lies
import mcos
from redis_server import servers
from service import WIRE, Batch, Service, question
from test_one_answer import POWER, xxh3
from world import new_world, spec, until

#: What has no partition.
NONE = [(b"", b"", b""), (b"", b"c", b""), (b"", b"c", b"o"), (b"a", b"", b"o"), (b"", b"", b"o")]
NAMES = [(b"a", b"", b""), (b"a", b"c", b""), (b"a/c", b"", b""), (b"a", b"c/o", b""),
         (b"/", b"/", b"/"), (b"\0", b"\0", b"\0"), (b"a\0b", b"c", b"o\0"), (b" ", b"", b""),
         (b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80"), ("\u00e9".encode(), b"\xf4\x90\x80\x80", b""),
         (b"a+b", b"c%20d", b"e&f=g#h?i"), (b"a", b"\r\n", b"\t"), (b"a", b"WITHVERSION", b""),
         (b"a", b"HANDOFFS", b"3"), (b"x" * 8191, b"", b""), (b"x" * 8193, b"", b""),
         (b"a", b"c", b"y" * 8189), (b"a" * 65535, b"c" * 65535, b"y" * 65535), (b"a", b"c", b"y" * 65536)]


def truth(name):
    return None if name in NONE else xxh3(b"/".join(part for part in name if part)) >> (64 - POWER)


class Scene:
    def __init__(self, world, make):
        server = make().start()
        self.redis = server.client()
        self.eu = world.start("eu", store=server.url)
        assert self.eu.create("photos", {**spec(), "partition_power": POWER}).status == 201
        until(lambda: self.redis.exists("mcos:ring:photos"), "Redis has it", self.eu)
        self.service = Service(world.folder, f"file:{self.eu.data}").start()
        until(lambda: self.service.stamp("photos"), "the service has it", self.service)
        self.resolver = mcos.Resolver(f"file:{self.eu.data}")
        self.view = self.resolver.ring("photos").hold()

    def end(self):
        self.resolver.close()
        self.service.stop()

    # ---- the ways: the partition, None for a refusal of the name, or OTHER ----

    def library(self, name):
        try:
            return self.view.lookup(*name).partition
        except mcos.Error as error:
            assert error.slug == "bad-value"

    def batch(self, name):
        (one, _), between, (two, _) = self.view.lookup_many([name, (b"q",), name])
        assert one == two and between[0] is not None
        return one

    def query(self, ask, name):
        text = "&".join(f"{key}={urllib.parse.quote(part, safe='')}"
                        for key, part in zip(("account", "container", "object"), name))
        answer = ask(f"/v1/rings/photos/lookup?{text}")
        if answer.status in (413, 414) and sum(map(len, name)) > 8000:
            return OTHER  # longer than a target may be
        if answer.status == 400:
            return None if answer.json["code"] == "unknown-field" else OTHER
        return answer.json["partition"]

    def over_service(self, name):
        return self.query(self.service.get, name)

    def over_agent(self, name):
        said = self.query(self.eu.get, name)
        if said is OTHER and sum(map(len, name)) < 8000:
            with pytest.raises((UnicodeDecodeError, AssertionError)):  # it takes texts only
                assert b"\0" not in b"".join(part.decode().encode() for part in name)
        return said

    def post(self, body, kind):
        answer = self.service.ask("POST", "/v1/rings/photos/lookup", body=body,
                                  headers={"Content-Type": kind})
        assert answer.status == 200 or answer.json["code"] in ("bad-value", "unknown-field")
        return answer if answer.status == 200 else None

    def in_json(self, name):
        try:
            body = json.dumps({"names": [[part.decode() for part in name]]})
        except UnicodeDecodeError:
            return OTHER
        answer = self.post(body, "application/json")
        return answer and answer.json["answers"][0]["partition"]

    def in_bytes(self, name):
        if max(map(len, name)) > 65535:
            return OTHER
        answer = self.post(question([name]), WIRE)
        return answer and Batch(answer.body).partitions[0]

    def in_redis(self, name):
        try:
            [[partition, *_]] = self.redis.execute_command("RING.MLOOKUP", "mcos:ring:photos", 1, *name)
        except redis.ResponseError as error:
            assert str(error).startswith("ARG name 1: ")
            partition = None
        if not {b"WITHVERSION", b"HANDOFFS"} & {*name}:
            try:
                assert self.redis.execute_command("RING.LOOKUP", "mcos:ring:photos", *name)[0] == partition
            except redis.ResponseError as error:
                assert str(error).startswith("ARG ") and partition is None
        return partition


OTHER = object()
WAYS = ["library", "batch", "over_service", "over_agent", "in_json", "in_bytes", "in_redis"]


def test_odd_names_have_one_partition_or_none():
    with new_world() as world, servers() as make:
        scene = Scene(world, make)
        try:
            answered = 0
            for name in NAMES + NONE:
                said = {way: getattr(scene, way)(name) for way in WAYS}
                wrong = {way: part for way, part in said.items() if part is not OTHER and part != truth(name)}
                assert not wrong, (name, truth(name), wrong)
                answered += sum(part is not OTHER for part in said.values())
            assert answered > 0.75 * len(WAYS) * len(NAMES + NONE)
        finally:
            scene.end()
