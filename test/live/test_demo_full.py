# SPDX-License-Identifier: Apache-2.0
"""
The full demo as a user runs it: its own RabbitMQ, Redis and memcached. It keeps its
promises, and whatever becomes of it nothing of it is left: no process (epmd, what
Erlang starts beside itself), no folder.
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from servers import RABBIT, gone
from world import MCOS, until

ENGINES = 12  # RabbitMQ and its epmd, five Redis, five memcached
PATIENCE = 240  # seconds for all of it, on a machine that does other things too


def processes(folder):
    """Pids of all that inherited our TMPDIR, whoever their parent is now. Redis writes
    its title over its environment: it is known by the title."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and not gone(entry.name) and (
                    f"TMPDIR={folder}".encode() in (entry / "environ").read_bytes().split(b"\0")
                    or f"{folder}/".encode() in (entry / "cmdline").read_bytes()):
                found.append(int(entry.name))
    return found


@pytest.fixture
def tmp():
    folder = tempfile.mkdtemp(prefix="d", dir="/tmp")
    yield folder
    for pid in processes(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def engines():
    for program in (RABBIT / "rabbitmq-server", "redis-server", "memcached"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def start(tmp, *args, mcos=MCOS, **env):
    return subprocess.Popen([str(mcos), "demo", "--full", *args],
                            env={**os.environ, "TMPDIR": tmp, "LC_ALL": "C.UTF-8", **env},
                            cwd=tmp, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def folders(tmp):
    return list(pathlib.Path(tmp).glob("mcos-demo-*"))


def nothing_runs(tmp):
    until(lambda: not processes(tmp), "nothing is left running")


def broker_port(tmp):
    """As the demo wrote it for its broker."""
    [conf] = pathlib.Path(tmp).glob("mcos-demo-*/rabbitmq/rabbitmq.conf")
    return int(conf.read_text().split("127.0.0.1:", 1)[1].split()[0])


def erlang_has_children(tmp):
    """The engines only just start; Erlang has begun to start programs of its own."""
    with contextlib.suppress(OSError):
        names = [pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
                 for pid in processes(tmp)]
        return len(names) > ENGINES and "erl_child_setup" in names
    return False


def clusters_run(tmp):
    """So all the engines do."""
    return sum(len(list(folder.glob("*.sock"))) for folder in folders(tmp)) == 4


def test_every_promise_is_kept_and_nothing_is_left(tmp, engines):
    p = start(tmp, "--json")
    out, err = p.communicate(timeout=PATIENCE)
    doc = json.loads(out)
    broken = [x for x in doc["promises"] if not x["kept"]]
    assert (p.returncode, doc["kept"], broken) == (0, True, []), err[-4000:]
    nothing_runs(tmp)
    assert os.listdir(tmp) == []
    assert len(doc["engines"]) == ENGINES
    kept = "\n".join(x["promise"] for x in doc["promises"])
    for word in ("ring_name=objects version=3 timestamp=1", "RING.LOOKUP in each Redis answers",
                 "memcached gives objects v3", 'cache "away"', 'registry "degraded"',
                 "distributed false", 'verdict "ok"'):
        assert word in kept, word
    assert len(doc["promises"]) >= 40
    with socket.socket() as s:
        s.settimeout(5)
        [bus] = [e["address"] for e in doc["engines"] if e["engine"] == "rabbitmq"]
        assert s.connect_ex(("127.0.0.1", int(bus.split(":")[1]))) != 0, "the broker is gone"


@pytest.mark.parametrize("signo, when", [(signal.SIGINT, erlang_has_children),
                                         (signal.SIGKILL, clusters_run)])
def test_ended_in_the_middle_it_takes_all_with_it(tmp, engines, signo, when):
    p = start(tmp)
    try:
        until(lambda: when(tmp) or p.poll() is not None, when.__name__, deadline=PATIENCE)
        assert p.poll() is None, p.communicate()
        port = broker_port(tmp)
    finally:
        p.send_signal(signo)
        out, err = p.communicate(timeout=60)
    nothing_runs(tmp)
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", port)) != 0
    if signo == signal.SIGINT:
        assert p.returncode == 130 and b"interrupted" in err, (out, err)
        assert os.listdir(tmp) == []
    else:
        assert os.listdir(tmp) == [folder.name for folder in folders(tmp)]


def test_an_engine_that_ends_is_a_promise_broken_and_its_log_is_shown(tmp, engines):
    """A redis-server that is none: found first in PATH."""
    place = pathlib.Path(tmp) / "bin"
    place.mkdir()
    (place / "redis-server").write_text("#!/bin/sh\necho no memory today\nexit 1\n")
    (place / "redis-server").chmod(0o755)
    p = start(tmp, PATH=f"{place}:{os.environ['PATH']}")
    out, err = p.communicate(timeout=PATIENCE)
    assert p.returncode == 1
    assert b"NOT KEPT" in out and b"redis answers" in out and b"ended by itself" in out, out
    assert b"no memory today" in err
    nothing_runs(tmp)
    assert folders(tmp) == []


def test_what_is_not_installed_is_named_with_what_to_do(tmp):
    p = start(tmp, "--json", PATH="")
    out, _ = p.communicate(timeout=60)
    problem = json.loads(out)["error"]
    assert (p.returncode, problem["code"]) == (3, "not-found")
    for word in ("redis-server", "redis-cli", "memcached", "epmd", "make demo-full"):
        assert word in problem["detail"], problem
    assert folders(tmp) == [] and processes(tmp) == []


def test_without_the_module_it_says_where_it_looked(tmp, engines):
    place = pathlib.Path(tmp) / "src" / "app"
    place.mkdir(parents=True)
    for name in ("mcos", "mcos-demo"):
        shutil.copy2(MCOS.parent / name, place)
    (place / "mcosd").write_text("#!/bin/sh\n")
    (place / "mcosd").chmod(0o755)
    p = start(tmp, "--json", mcos=place / "mcos")
    out, _ = p.communicate(timeout=60)
    problem = json.loads(out)["error"]
    assert (p.returncode, problem["code"]) == (3, "not-found")
    assert "mcos.so" in problem["detail"] and "module/redis" in problem["detail"], problem
