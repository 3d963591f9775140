# SPDX-License-Identifier: Apache-2.0
"""A private redis-server on a unix socket, with our module unless told otherwise."""
import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import redis

from world import BUILD

MODULE = BUILD / "module" / "redis" / "mcos.so"
RECORDSET = BUILD / "test" / "tool" / "recordset"
DEADLINE = 10.0


def wait(condition, what):
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not in time: {what}")


class Server:
    """Its folder outlives its process, so that it can be killed and started again."""

    def __init__(self, folder, module=MODULE, options=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket = self.folder / "redis.sock"
        self.log = self.folder / "redis.log"
        self.module = module
        self.options = list(options)
        self.process = None

    @property
    def url(self):
        return f"unix:{self.socket}"

    def start(self, ready=True):
        args = ["redis-server", "--port", "0", "--unixsocket", str(self.socket),
                "--dir", str(self.folder), "--save", "", "--daemonize", "no"]
        if self.module:
            args += ["--loadmodule", str(self.module)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(args + self.options, stdout=log, stderr=log)
        if ready:
            wait(self.answers, "redis-server answers")
        return self

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.client().ping()
        except (redis.ConnectionError, redis.BusyLoadingError):
            return False

    def client(self, **how):
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=20, **how)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.process = None

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(DEADLINE)
        self.process = None

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def servers():
    """Makes servers below one temporary folder; ends all of them."""
    with tempfile.TemporaryDirectory(prefix="mcos-redis-") as folder:
        made = []

        def make(name="one", **how):
            server = Server(pathlib.Path(folder) / name, **how)
            made.append(server)
            return server

        try:
            yield make
        finally:
            for server in made:
                server.kill()


class Records:
    """What recordset wrote, as attributes: r_1, r_2a, s_1 ..."""

    def __init__(self, power=4):
        with tempfile.TemporaryDirectory(prefix="mcos-records-") as folder:
            subprocess.run([str(RECORDSET), folder, str(power)], check=True)
            for path in pathlib.Path(folder).iterdir():
                setattr(self, path.name.replace(".", "_"), path.read_bytes())
        self.children = [getattr(self, f"r_c{i:02}") for i in range(18)]
