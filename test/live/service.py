# SPDX-License-Identifier: Apache-2.0
"""A process mcos-resolver, and its binary batch written a second time (docs/protocol.md)."""
import contextlib
import http.client
import json
import signal
import struct
import subprocess
import urllib.parse

from test_memcached import free_port
from world import BUILD, DEADLINE, Answer, UnixHTTP, until

PROGRAM = BUILD / "src" / "app" / "mcos-resolver"
WIRE = "application/vnd.mcos.lookup"
NONE = 0xffffffff


def question(names, flags=0):
    """Names of bytes, each of one to three parts."""
    full = [(*name, b"", b"")[:3] for name in names]
    lengths = b"".join(struct.pack("<3H", *map(len, name)) for name in full)
    text = b"".join(a + (b"/" + c if c else b"") + (b"/" + o if o else b"") for a, c, o in full)
    return struct.pack("<4sIII", b"MCQ1", len(full), flags, len(text)) + lengths + text


class Batch:
    """An answer, taken apart."""

    def __init__(self, body):
        mark, count, stride, self.epoch, self.version, self.checked, self.confirmed, digest = \
            struct.unpack_from("<4sIIIQqq32s", body)
        assert mark == b"MCA1"
        self.digest = digest.hex()
        assert len(body) == 72 + 4 * count * (1 + stride)
        self.partitions = list(struct.unpack_from(f"<{count}I", body, 72))
        cells = struct.unpack_from(f"<{count * stride}I", body, 72 + 4 * count)
        self.devices = [[d for d in cells[i * stride:(i + 1) * stride] if d != NONE]
                        for i in range(count)]


class Service:
    def __init__(self, folder, *chain, name="r", tcp=True, rings=(), **flags):
        self.socket = folder / f"{name}.sock"
        self.log = folder / f"{name}.log"
        self.port = free_port() if tcp else None
        flags = {"source": ",".join(map(str, chain)), "unix": self.socket, "poll-ms": 50, **flags}
        if tcp:
            flags["listen"] = f"127.0.0.1:{self.port}"
        self.line = [str(PROGRAM), *(str(word) for ring in rings for word in ("--ring", ring))]
        for flag, value in flags.items():
            self.line += [f"--{flag}"] if value is None else [f"--{flag}", str(value)]
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.line, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        until(self.alive, "the service answers", self)
        return self

    def alive(self):
        assert self.process.poll() is None, f"it ended: {self.tail()}"
        with contextlib.suppress(OSError):
            return self.get("/livez").status == 200
        return False

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        return self.process.wait(timeout=DEADLINE)

    def connect(self, tcp=False):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE) if tcp \
            else UnixHTTP(self.socket, DEADLINE)

    def ask(self, method, path, body=None, headers=None, tcp=False, connection=None):
        one = connection or self.connect(tcp)
        try:
            with contextlib.suppress(BrokenPipeError):
                one.request(method, path, body=body, headers=headers or {})
            return Answer(one.getresponse())
        finally:
            if connection is None:
                one.close()

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def look(self, ring, *name, **more):
        """The answer to a look-up; a name's parts are texts or bytes."""
        query = dict(zip(("account", "container", "object"), name))
        query |= {key: more.pop(key) for key in ("handoffs", "active_first", "previous") if key in more}
        return self.get(f"/v1/rings/{ring}/lookup?" + urllib.parse.urlencode(query), **more)

    def batch(self, ring, names, flags=0, **more):
        answer = self.ask("POST", f"/v1/rings/{ring}/lookup", question(names, flags),
                          {"Content-Type": WIRE}, **more)
        return Batch(answer.body) if answer.status == 200 else answer

    def many(self, ring, names, **more):
        return self.ask("POST", f"/v1/rings/{ring}/lookup", json.dumps({"names": names, **more}),
                        {"Content-Type": "application/json"})

    def stamp(self, ring):
        answer = self.get(f"/v1/rings/{ring}")
        return answer.json["stamp"] if answer.status == 200 else None

    def until_stamp(self, ring, stamp, *clusters):
        until(lambda: self.stamp(ring) == stamp, f"the service has {stamp}", self, *clusters)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            assert self.stop(signal.SIGTERM if kind is None else signal.SIGKILL) == \
                (0 if kind is None else -9)
