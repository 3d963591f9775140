# SPDX-License-Identifier: Apache-2.0
"""Private servers on loopback: each has its own folder, ports and processes.

Nothing here touches a service of the machine: the programs are started directly,
bind 127.0.0.1, and are ended by pid.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

RABBIT = pathlib.Path("/usr/lib/rabbitmq/bin")
START = 90.0


def free_ports(count):
    """Ports that nobody has, now. Held together, so that they are distinct."""
    with contextlib.ExitStack() as stack:
        held = []
        while len(held) < count:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            held.append(one.getsockname()[1])
        return held


def gone(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


class Rabbit:
    """One RabbitMQ node. Its folder outlives its process; `epmd` is a port, its own
    unless several are to be one cluster."""

    def __init__(self, folder, name="r1", settings=(), plugins=(), tls=None, epmd=None):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.port, dist, own = free_ports(3)
        self.epmd = epmd or own
        self.pid_file = self.folder / "pid"
        self.process = None
        for sub in ("home", "mnesia", "log"):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        cookie = self.folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("MCOSTESTCOOKIE")
            cookie.chmod(0o400)
        (self.folder / "rabbitmq-env.conf").write_text("")
        (self.folder / "enabled_plugins").write_text(f"[{','.join(plugins)}].\n")
        lines = ["vm_memory_high_watermark.absolute = 2GB", "disk_free_limit.absolute = 50MB",
                 f"listeners.tcp.default = 127.0.0.1:{self.port}", *settings]
        self.tls_port = None
        if tls is not None:
            [self.tls_port] = free_ports(1)
            lines += [f"listeners.ssl.default = 127.0.0.1:{self.tls_port}",
                      f"ssl_options.cacertfile = {tls}/ca.pem",
                      f"ssl_options.certfile = {tls}/server.pem",
                      f"ssl_options.keyfile = {tls}/server.key",
                      "ssl_options.verify = verify_peer",
                      "ssl_options.fail_if_no_peer_cert = true"]
        (self.folder / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        folder = str(self.folder)
        self.env = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "HOME": f"{folder}/home",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/rabbitmq-env.conf",
            "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": str(self.pid_file),
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_FEATURE_FLAGS_FILE": f"{folder}/ff",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(dist),
            "ERL_EPMD_PORT": str(self.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2",
        }

    @property
    def url(self):
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self):
        return self.launch().wait()

    def launch(self):
        with open(self.folder / "out", "ab") as out:
            self.process = subprocess.Popen([str(RABBIT / "rabbitmq-server")], env=self.env,
                                            cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, start_new_session=True)
        return self

    def wait(self):
        end = time.monotonic() + START
        while not self.answers():
            assert self.process.poll() is None, self.tail()
            assert time.monotonic() < end, f"no broker within {START} s\n{self.tail()}"
            time.sleep(0.05)
        return self

    def answers(self):
        with contextlib.suppress(OSError), \
                socket.create_connection(("127.0.0.1", self.port), 1) as probe:
            probe.sendall(b"AMQP\0\0\x09\x01")
            probe.settimeout(5)
            return probe.recv(1) == b"\x01"
        return False

    def tail(self):
        return (self.folder / "out").read_text(errors="replace")[-2000:]

    def kill(self, signo=signal.SIGKILL):
        """Ends the node; its queues stay on disk."""
        if self.process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text())
            os.kill(pid, signo)
            end = time.monotonic() + 30
            while not gone(pid):
                assert time.monotonic() < end, "the broker does not end"
                time.sleep(0.02)
        self.process.wait(timeout=30)
        self.process = None
        self.pid_file.unlink(missing_ok=True)

    def stop(self):
        self.kill(signal.SIGTERM)

    def end(self):
        self.kill()
        epmd = shutil.which("epmd")
        if epmd is not None:
            subprocess.run([epmd, "-kill"], env=self.env, capture_output=True, timeout=20,
                           check=False)

    def wipe(self):
        """As if it had never been: stops it and forgets what it kept."""
        self.kill()
        shutil.rmtree(self.folder / "mnesia")
        (self.folder / "mnesia").mkdir()

    def ctl(self, *args):
        done = subprocess.run([str(RABBIT / "rabbitmqctl"), "-q", "-n", f"{self.name}@localhost",
                               *args], env=self.env, capture_output=True, text=True,
                              timeout=90)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextlib.contextmanager
def rabbit(**settings):
    with rabbits("r1", **settings) as [node]:
        yield node


@contextlib.contextmanager
def rabbits(*names, cluster=False, settings=(), **more):
    """Several nodes, started together; with `cluster` they are one broker."""
    if not (RABBIT / "rabbitmq-server").exists():
        pytest.skip("rabbitmq-server is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mcos-rabbit-"))
    if cluster:
        [more["epmd"]] = free_ports(1)
        settings = [*settings, "cluster_partition_handling = pause_minority",
                    "cluster_formation.peer_discovery_backend = classic_config",
                    *(f"cluster_formation.classic_config.nodes.{i} = {name}@localhost"
                      for i, name in enumerate(names, 1))]
    nodes = [Rabbit(folder / name, name, settings=settings, **more) for name in names]
    try:
        for node in nodes:
            node.launch()
        yield [node.wait() for node in nodes]
    finally:
        for node in nodes:
            node.kill()
        for node in nodes:
            node.end()
        shutil.rmtree(folder, ignore_errors=True)
