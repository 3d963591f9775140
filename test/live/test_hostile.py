# SPDX-License-Identifier: Apache-2.0
"""Clients that mean no good, or do not know better, over raw sockets of a real agent.

Each test is named after its row of the catalogue of faults. What libmicrohttpd leaves
as it is stands in docs/api.md, "Failures".
"""
import json
import socket
import threading
import time

import pytest

from world import new_world, spec, until

HOST = b"Host: localhost\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"
PUT = b"PUT /v1/rings/a HTTP/1.1\r\n" + HOST + b"If-None-Match: *\r\n"


@pytest.fixture(scope="module")
def agent():
    with new_world() as world:
        agent = world.start("c1", alone=True)
        assert agent.create("photos", spec()).status == 201
        yield agent


def dial(agent):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(30)
    raw.connect(str(agent.socket))
    return raw


def rest(raw):
    """All that comes until the agent closes."""
    came = b""
    while True:
        try:
            more = raw.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            return came
        if not more:
            return came
        came += more


def ask(agent, text):
    """What an agent says that closes the connection after it."""
    with dial(agent) as raw:
        raw.sendall(text)
        return rest(raw)


def unharmed(agent):
    assert [ring["ring"] for ring in agent.get("/v1/rings").json["rings"]] == ["photos"]


def test_row_69_slowloris(agent):
    held = []
    for i in range(400):  # more than the agent keeps open
        raw = dial(agent)
        raw.sendall(b"GET /livez HTTP/1.1\r\nX: ")
        held.append(raw)
        if i % 40 == 0:
            began = time.monotonic()
            assert agent.get("/livez").status == agent.get("/v1/rings/photos").status == 200
            assert time.monotonic() - began < 5
    for raw in held:
        raw.settimeout(0.0)
    closed = set()

    def all_closed():
        for i, raw in enumerate(held):
            if i not in closed:
                try:
                    raw.sendall(b"x")  # a byte now and then keeps nobody in
                    raw.recv(1)
                except BlockingIOError:
                    continue
                except OSError:
                    pass
                closed.add(i)
        return len(closed) == len(held)

    until(all_closed, "each of them is cut", agent)
    for raw in held:
        raw.close()
    unharmed(agent)


def test_row_70_a_body_too_long_a_lie_and_one_without_end(agent):
    for length in (b"10737418240", b"18446744073709551615", b"99999999999999999999999"):
        said = ask(agent, PUT + b"Content-Length: " + length + b"\r\n\r\n{}")
        assert said.startswith(b"HTTP/1.1 413 "), said
    with dial(agent) as raw:  # chunked, and it never ends
        raw.sendall(PUT.replace(b"PUT /v1/rings/a ", b"DELETE /v1/rings/photos ")
                    + b"Transfer-Encoding: chunked\r\n\r\n")
        said = []
        reader = threading.Thread(target=lambda: said.append(rest(raw)))
        reader.start()
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        sent = 0
        with pytest.raises(OSError):
            while sent < 1 << 30:
                raw.sendall(chunk)
                sent += len(chunk)
        reader.join(timeout=30)
    assert sent < 64 << 20, sent
    assert said[0].startswith(b"HTTP/1.1 413 ") and b'"too-large"' in said[0], said
    unharmed(agent)


def test_row_75_json_that_is_too_deep_doubled_or_no_json(agent):
    device = '{"name": "a", "weight": %s}'
    whole = '{"partition_power": 4, "replicas": 1, "devices": [%s]}'
    for body in ("[" * 10**6, '{"a":' * 10**6, "[" * 10**6 + "]" * 10**6,
                 '{"partition_power": 4, "partition_power": 4, "devices": []}',
                 whole % '{"name": "a", "name": "a", "weight": 1}',
                 whole % (device % "NaN"), whole % (device % "Infinity"),
                 whole % (device % "1e400"), whole % (device % ("1" + "0" * 400)),
                 b'{"note": "\xff\xfe", "devices": []}', b'{"note": "\xed\xa0\x80"}',
                 b'{"note": "\xc0\x80"}', "", "nul", '{"a": 1} x', b"\xef\xbb\xbf{}"):
        answer = agent.change("PUT", "/v1/rings/a", body, {"If-None-Match": "*"})
        assert answer.status in (400, 422), (body[:60], answer.body)
        assert answer.json["code"] in ("bad-json", "bad-weight", "unknown-field"), answer.body
    unharmed(agent)


@pytest.mark.parametrize("head", [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5\r\nContent-Length: 5\r\n",
    b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n", b"Content-Length: 0x5\r\n",
    b"X: a\rContent-Length: 5\r\n", b"X\r\n", b": a\r\n", b"X y: a\r\n"])
def test_row_76_request_smuggling(agent, head):
    """One answer, 400, and what follows is read by nobody."""
    said = ask(agent, PUT + head + b"\r\n0\r\n\r\n" + LIVEZ)
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert said.count(b"HTTP/1.1 ") == said.count(b"HTTP/1.1 400 ") and b"alive" not in said
    unharmed(agent)


def test_row_76_a_folded_header_and_a_bare_line_feed_hide_no_request(agent):
    """They are read as one header and as the end of a line, for the length too."""
    for head in (b"X: a\r\n b\r\n", b"X: a\n"):
        with dial(agent) as raw:
            raw.sendall(b"GET /livez HTTP/1.1\r\n" + HOST + head + b"\r\n")
            assert raw.recv(65536).startswith(b"HTTP/1.1 200 ")
            raw.sendall(b"GET /v1/none HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
            assert rest(raw).startswith(b"HTTP/1.1 404 ")
    said = ask(agent, PUT + b"X: a\nTransfer-Encoding: chunked\nContent-Length: 5\r\n\r\n0\r\n\r\n"
               + LIVEZ)
    assert said.startswith(b"HTTP/1.1 400 ") and b"alive" not in said, said
    unharmed(agent)


def test_an_escaped_slash_parts_no_path(agent):
    for path in ("/v1/rings/photos%2Fspec", "/v1%2frings", "/v1/rings/photos%2F",
                 "/v1/rings/..%2Fstatus", "/v1/rings/%00", "/v1/rings/photos%"):
        answer = agent.get(path)
        assert (answer.status, answer.json["code"]) == (400, "usage"), (path, answer.body)
    for path in ("/v1/rings/photos%252Fspec", "/v1/rings/photos%3Fx", "/v1/rings/%0d%0aX"):
        assert agent.get(path).status == 400, path
    for path in ("/v1/rings/../status", "/v1/rings//photos", "/v1/rings/photos/",
                 "/v1/rings/%2e%2e/status"):
        assert agent.get(path).status == 404, path
    assert agent.get("/v1/rings/%70hotos").status == 200  # p, written otherwise
    answer = agent.get("/v1/rings/photos/lookup?account=a%2Fb")
    assert answer.status == 200 and json.loads(answer.body)["ring"] == "photos"
