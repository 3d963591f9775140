# SPDX-License-Identifier: Apache-2.0
"""The HTTP API as a client meets it: preconditions, and bad input that changes nothing."""
import json
import re
import socket

import pytest

from world import spec


def problem(answer, status, code, field=None):
    assert answer.status == status, (answer.status, answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json
    assert (body["status"], body["code"]) == (status, code), body
    assert body["title"] and body["detail"]
    if field is not None:
        assert body["field"] == field, body
    return body


def test_a_change_says_what_it_changes(world):
    c1 = world.start("c1", alone=True)
    assert c1.create("photos", spec()).status == 201
    shown = c1.get("/v1/rings/photos")
    etag = shown.headers["ETag"]
    assert re.fullmatch(r'"1-[0-9a-f]{8}"', etag)
    assert shown.headers["Mcos-Answered-By"] == "c1"
    body = json.dumps(spec(weights=(1, 2, 3)))
    problem(c1.ask("PUT", "/v1/rings/photos", body), 428, "precondition-required")
    problem(c1.create("photos", spec()), 412, "exists")
    first = c1.change("PUT", "/v1/rings/photos", body, {"If-Match": etag})
    assert first.status == 200
    stale = problem(c1.change("PUT", "/v1/rings/photos", body, {"If-Match": etag}), 412, "stale")
    assert stale["stamp"] == first.json["stamp"], "it says who was first"
    problem(c1.change("DELETE", "/v1/rings/photos", None, {"If-Match": etag}), 412, "stale")
    assert c1.stamp("photos") == first.json["stamp"]
    assert c1.ask("PUT", "/v1/rings/none", body, {"If-Match": etag}).status == 404


def test_row_72_the_same_request_twice_is_one_version(world):
    c1 = world.start("c1", alone=True)
    headers = {"If-None-Match": "*", "Idempotency-Key": "a" * 128}
    body = json.dumps(spec())
    first, again = [c1.change("PUT", "/v1/rings/photos", body, headers) for _ in range(2)]
    assert first.status == again.status == 201
    for field in ("stamp", "digest", "version", "moved", "assignments", "balance"):
        assert first.json[field] == again.json[field], field
    assert first.headers["ETag"] == again.headers["ETag"]
    assert c1.stamp("photos") == first.json["stamp"]
    problem(c1.ask("PUT", "/v1/rings/photos", body, {**headers, "Idempotency-Key": "a" * 129}),
            400, "usage", "Idempotency-Key")
    headers = {"If-Match": first.headers["ETag"], "Idempotency-Key": "b"}
    first, again = [c1.change("DELETE", "/v1/rings/photos", None, headers) for _ in range(2)]
    assert (first.status, first.json["stamp"]) == (again.status, again.json["stamp"])
    assert first.status == 200 and first.json["version"] == 2


@pytest.mark.parametrize("name", ["UPPER", "-x", "..", "%2e%2e%2fetc", "a%2Fb", "a" * 65,
                                  "a%00b", "%ff", "a.b", "%C3%A4"])
def test_a_name_outside_the_rule_is_refused(world, name):
    c1 = world.start("c1", alone=True)
    answer = c1.change("PUT", f"/v1/rings/{name}", spec(), {"If-None-Match": "*"})
    assert answer.status in (400, 404), answer.body
    assert answer.json["code"] in ("bad-name", "not-found", "usage"), answer.body
    assert c1.get("/v1/rings").json["rings"] == []


BAD = [
    ("not json", 400, "bad-json", None),
    ("", 400, "bad-json", None),
    ("[" * 1_000_000, 400, "bad-json", None),
    ('{"a":' * 100_000, 400, "bad-json", None),
    ('{"partition_power": 4, "partition_power": 5, "devices": []}', 400, "bad-json", None),
    ('{"partition_power": 4, "devices": [{"name": "a", "weight": 1}], "colour": 1}', 400, "unknown-field", "/colour"),
    ('{"partition_power": 4, "devices": [{"name": "a", "weight": 1, "wieght": 2}]}', 400,
     "unknown-field", "/devices/0/wieght"),
    ('{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": -1}]}', 422,
     "bad-weight", "/devices/0/weight"),
    ('{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": NaN}]}', 400,
     "bad-json", None),
    ('{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": 1e999}]}', None,
     None, None),
    ('{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": 0}]}', 422,
     "bad-weight", None),
    ('{"partition_power": 4, "replicas": 2, "devices": [{"name": "a", "weight": 1}]}', 422,
     "placement-impossible", "/replicas"),
    ('{"partition_power": 33, "devices": [{"name": "a", "weight": 1}]}', 422,
     "part-power-range", "/partition_power"),
    ('{"partition_power": -1, "devices": [{"name": "a", "weight": 1}]}', 422,
     "part-power-range", "/partition_power"),
    ('{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": 1}, '
     '{"name": "a", "weight": 1}]}', 422, "bad-device", "/devices/1/name"),
    (b'{"partition_power": 4, "note": "\xff\xfe", "devices": []}', 400, "bad-json", None),
]


def test_a_bad_spec_is_refused_with_field_and_reason(world):
    c1 = world.start("c1", alone=True)
    for body, status, code, field in BAD:
        answer = c1.change("PUT", "/v1/rings/photos", body, {"If-None-Match": "*"})
        if status is None:
            assert 400 <= answer.status < 500, (body, answer.body)
        else:
            problem(answer, status, code, field)
        assert c1.get("/v1/rings").json["rings"] == [], body[:60]
    assert c1.alive()


def test_a_swift_ring_is_imported_and_answers_as_swift_does(world):
    from world import ROOT
    data = ROOT / "test" / "data" / "swift" / "g1"
    c1, c2 = world.start("c1", "c2")
    raw = (data / "object.ring.gz").read_bytes()
    made = c1.change("PUT", "/v1/rings/swift/import?prefix=pre-Golden1&suffix=suf-golden1", raw,
                     {"If-None-Match": "*", "Content-Type": "application/gzip"})
    assert made.status == 201, made.body
    world.agree("swift", made.json["stamp"])
    shown = c2.get("/v1/rings/swift").json
    assert shown["partitions"] == 256 and shown["hash"] == "swift-md5"
    for bad in (raw[:-20], raw[:100], b"\x1f\x8b" + bytes(1000), b"", raw + raw):
        answer = c1.change("PUT", "/v1/rings/bad/import", bad, {"If-None-Match": "*"})
        assert 400 <= answer.status < 500, answer.body
    assert [ring["ring"] for ring in c1.get("/v1/rings").json["rings"]] == ["swift"]
    # Without the secret a look-up is an error, not a wrong answer.
    answer = c2.get("/v1/rings/swift/lookup?account=AUTH_test")
    assert (answer.status, answer.json["code"]) == (409, "secret-needed")
    c2.stop()
    c2.start(**{"swift-conf": data / "swift.conf"})
    answer = c2.get("/v1/rings/swift/lookup?account=AUTH_test&handoffs=6").json
    assert answer["partition"] == 77
    assert [d["id"] for d in answer["devices"]] == [2, 8, 7]
    assert [d["id"] for d in answer["handoffs"]] == [10, 4, 1, 3, 6, 9]


def test_bombs_and_lies_are_bounded(world):
    import gzip
    c1 = world.start("c1", alone=True)
    bomb = gzip.compress(b"R1NG\x00\x01" + bytes(200_000_000))
    answer = c1.change("PUT", "/v1/rings/b/import", bomb, {"If-None-Match": "*"})
    assert 400 <= answer.status < 500, answer.body
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(str(c1.socket))
    raw.sendall(b"PUT /v1/rings/a HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: *\r\n"
                b"Content-Length: 99999999999\r\n\r\n{")
    raw.settimeout(10)
    assert b" 413 " in raw.recv(4096)
    raw.close()
    assert c1.alive()


def test_unknown_paths_and_methods(world):
    c1 = world.start("c1", alone=True)
    problem(c1.get("/v1/nothing"), 404, "not-found")
    problem(c1.get("/v1/rings/none"), 404, "not-found")
    answer = c1.ask("POST", "/v1/rings")
    problem(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]
    assert c1.get("/livez").json == {"alive": True}
