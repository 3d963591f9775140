# SPDX-License-Identifier: Apache-2.0
"""A small world of real agents on this machine: processes, folders, one bus file.

Everything is made below one temporary folder and ended by pid; addresses are
unix sockets, so nothing depends on which ports are free. The only clock is a
generous deadline: a test waits until something is so, never for a while.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MCOS_BUILD", ROOT / "build"))
MCOSD = BUILD / "src" / "app" / "mcosd"
MCOSD_NEXT = BUILD / "src" / "app" / "mcosd-next"  # the version after this one
MCOS = BUILD / "src" / "app" / "mcos"
DEADLINE = 30.0
INTERVAL = 0.5


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Cluster:
    """One agent: its folder outlives its process."""

    def __init__(self, world, name, **flags):
        self.world = world
        self.name = name
        self.flags = flags
        self.data = world.folder / name
        self.socket = world.folder / f"{name}.sock"
        self.log = world.folder / f"{name}.log"
        self.program = MCOSD
        self.process = None

    def command(self, **more):
        flags = {"cluster": self.name, "region": "r", "zone": self.name,
                 "data": self.data, "bus": self.world.other_bus or f"sqlite:{self.world.bus}",
                 "http": f"unix:{self.socket}", "announce-interval": INTERVAL,
                 "inactive-after": 2, **self.flags, **more}
        line = [str(self.program)]
        for flag, value in flags.items():
            line += [f"--{flag}"] if value is True else [f"--{flag}", str(value)]
        return line

    def start(self, ready=True, **more):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(**more), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        if ready:
            until(lambda: self.alive(), f"{self.name} answers", self)
        return self

    def alive(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.tail()}"
        with contextlib.suppress(OSError):
            return self.get("/livez").status == 200
        return False

    def kill(self, signo=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(signo)
            self.process.wait(timeout=DEADLINE)
        return self.process.returncode

    def stop(self):
        return self.kill(signal.SIGTERM)

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def ask(self, method, path, body=None, headers=None, timeout=DEADLINE):
        connection = UnixHTTP(self.socket, timeout)
        try:
            # Refused by its head alone, a request's body may find the door closed.
            with contextlib.suppress(BrokenPipeError):
                connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def change(self, method, path, body=None, headers=None):
        """A change, asked again while the agent still listens."""
        if isinstance(body, dict):
            body = json.dumps(body)
        deadline = time.monotonic() + DEADLINE
        while True:
            answer = self.ask(method, path, body, headers)
            if answer.status != 503 or time.monotonic() > deadline:
                return answer
            time.sleep(0.1)

    def create(self, ring, spec):
        return self.change("PUT", f"/v1/rings/{ring}", spec, {"If-None-Match": "*"})

    def update(self, ring, spec, etag=None):
        etag = etag or self.get(f"/v1/rings/{ring}").headers["ETag"]
        return self.change("PUT", f"/v1/rings/{ring}", spec, {"If-Match": etag})

    def delete(self, ring):
        etag = self.get(f"/v1/rings/{ring}").headers["ETag"]
        return self.change("DELETE", f"/v1/rings/{ring}", None, {"If-Match": etag})

    def stamp(self, ring):
        """What it holds, or None."""
        answer = self.get(f"/v1/rings/{ring}")
        return answer.json["stamp"] if answer.status == 200 else None

    def holds(self, ring, stamp):
        with contextlib.suppress(OSError):
            return self.stamp(ring) == stamp
        return False

    def says(self, *words):
        """Lines of its log that hold all these words."""
        return [line for line in self.log.read_text(errors="replace").splitlines()
                if all(word in line for word in words)]

    def lookup(self, ring, account, container=None, obj=None):
        query = {"account": account}
        if container is not None:
            query["container"] = container
        if obj is not None:
            query["object"] = obj
        answer = self.get(f"/v1/rings/{ring}/lookup?" + urllib.parse.urlencode(query))
        assert answer.status == 200, answer.body
        return [device["name"] for device in answer.json["devices"]]


class World:
    def __init__(self, folder, bus_url=None):
        self.folder = pathlib.Path(folder)
        self.bus = self.folder / "bus.db"
        self.other_bus = bus_url  # not the file
        self.clusters = {}

    def cluster(self, name, **flags):
        self.clusters[name] = Cluster(self, name, **flags)
        return self.clusters[name]

    def start(self, *names, **flags):
        started = [self.cluster(name, **flags).start() for name in names]
        return started if len(started) != 1 else started[0]

    def end(self):
        for cluster in self.clusters.values():
            if cluster.process is not None and cluster.process.poll() is None:
                cluster.kill()

    def agree(self, ring, stamp, clusters=None, deadline=DEADLINE):
        for cluster in clusters or self.clusters.values():
            until(lambda: cluster.holds(ring, stamp), f"{cluster.name} holds {ring} {stamp}",
                  cluster, deadline=deadline)


@contextlib.contextmanager
def new_world(bus_url=None):
    # A short path: a unix socket's may have 107 characters at most.
    folder = tempfile.mkdtemp(prefix="mcos-")
    world = World(folder, bus_url)
    try:
        yield world
    finally:
        world.end()
        shutil.rmtree(folder, ignore_errors=True)


def until(question, what, *clusters, deadline=DEADLINE):
    end = time.monotonic() + deadline
    while not question():
        if time.monotonic() > end:
            logs = "\n".join(f"--- {c.name}\n{c.tail()}" for c in clusters)
            raise AssertionError(f"not within {deadline} s: {what}\n{logs}")
        time.sleep(0.03)


def spec(part_power=6, replicas=3, weights=(100, 100, 100, 200, 50), **more):
    devices = [{"name": f"d{i}", "region": f"r{i % 2}", "zone": f"z{i % 3}", "weight": w}
               for i, w in enumerate(weights)]
    return {"partition_power": part_power, "replicas": replicas, "devices": devices, **more}


def mcos(*args, server=None, stdin=None, env=None, timeout=60):
    """Runs the command line; returns the finished process (text)."""
    line = [str(MCOS), *([] if server is None else ["--server", server]), *map(str, args)]
    return subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, "NO_COLOR": "1", **(env or {})})


def run_mcosd(*args):
    """Runs an agent that ends by itself (--check-config, a wrong flag)."""
    return subprocess.run([str(MCOSD), *map(str, args)], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
