# SPDX-License-Identifier: Apache-2.0
"""Resolvers beside real agents, a real memcached, and files that are harmed."""
import contextlib
import os
import shutil
import signal
import socket

import pytest

from asker import Asker
from test_memcached import Memcached
from world import new_world, spec, until

NAMES = [("AUTH_me",), ("AUTH_me", "cats"), *(("AUTH_me", "cats", f"{i}.jpg") for i in range(20))]


@pytest.fixture(scope="module")
def home():
    """One agent with a memcached, for all tests here: each has a ring of its own."""
    with new_world() as world:
        memcached = Memcached(world.folder).start()
        eu = world.start("eu", cache=memcached.url)
        eu.memcached = memcached
        yield eu
        memcached.stop()


@pytest.fixture
def ring(home, request):
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:60]
    assert home.create(name, spec()).status == 201
    return name


def places(home):
    return {"file": f"file:{home.data}", "memcached": home.memcached.url,
            "agent": f"unix:{home.socket}"}


def agrees(asker, home, ring):
    stamp = home.stamp(ring)
    for name in NAMES:
        assert asker.look(ring, *name)[0] == stamp
        assert asker.look(ring, *name)[2] == home.lookup(ring, *name)


@pytest.mark.parametrize("place", ["file", "memcached", "agent"])
def test_each_place_gives_the_agents_answers(home, place):
    ring = f"each-place-{place}"
    assert home.create(ring, spec()).status == 201
    with Asker(places(home)[place]) as asker:
        until(lambda: asker.wait(ring, 0) == "ok", "the ring is there")
        agrees(asker, home, ring)
        assert home.update(ring, spec(weights=(1, 200, 100, 200, 50))).status == 200
        asker.until_stamp(ring, home.stamp(ring), home)
        agrees(asker, home, ring)
        assert home.delete(ring).status == 200
        until(lambda: asker.look(ring, "a") == "error deleted ", "it is deleted")
        assert home.create(ring, spec(part_power=4)).status == 201
        asker.until_stamp(ring, home.stamp(ring), home)
        agrees(asker, home, ring)
        looks = asker.stats(ring)["looks"]
        until(lambda: asker.stats(ring)["looks"] > looks + 1, "it goes on looking")
        assert (asker.stats(ring)["error"], asker.stats(ring)["damaged"]) == ("none", 0)


def test_the_next_place_helps_when_one_is_away(home, ring):
    with Asker(*places(home).values()) as asker:
        asker.until_stamp(ring, home.stamp(ring), home)
        assert asker.stats(ring)["source"] == 0
    gone = places(home) | {"file": f"file:{home.world.folder}/nowhere"}
    with Asker(*gone.values()) as asker:
        asker.until_stamp(ring, home.stamp(ring), home)
        until(lambda: asker.stats(ring)["source"] == 1, "memcached gives it")
        assert asker.stats(ring)["away"] > 0
    gone["memcached"] = "memcached:unix:/nowhere"
    with Asker(*gone.values()) as asker:
        assert asker.wait(ring) == "ok"
        assert asker.stats(ring)["source"] == 2
        agrees(asker, home, ring)


def test_what_is_not_there_is_said(home):
    with Asker(*places(home).values()) as asker:
        said = asker.wait("nobody-made-it", 0)
        assert said.startswith("error not-found no ring nobody-made-it"), said
        assert asker.look("nobody-made-it", "a") == "nothing"
    with Asker("file:/nowhere", "memcached:unix:/nowhere", "unix:/nowhere", timeout_ms=200) as asker:
        assert asker.wait("photos", 0).startswith("error unreachable file:/nowhere: data folder")


@pytest.mark.parametrize("chain, says", [
    ("", "a place is missing"), ("file:", "needs an agent's data folder"),
    ("file:/a,,file:/b", "a place is missing"), ("ftp://x", "is no place"),
    ("memcached://", '"memcached://" is no place: not a host'), ("http://", "is no server"),
    ("file:/a,http://exa mple", '"http://exa mple" is no server'), ("http://h:99999", "is no server"),
    ("http://h:8471/x?y", "is no server"), ("unix:/" + "a" * 107, "the path of a socket"), ("unix:", "needs the path"),
    (",".join(["file:/a"] * 9), "more than 8 places"), ("file:/" + "a" * 4096, "longer than 4096")])
def test_a_chain_that_is_none_is_refused(chain, says):
    asker = Asker(chain)
    assert asker.ready.startswith("error bad-config ") and says in asker.ready
    assert asker.process.wait() == 1


# ---- files that are harmed: the last good ring stays ----

def put(path, make):
    """Puts something else in the place of a file, at once."""
    aside = path.with_name(".tmp.harm")
    if aside.is_dir():
        shutil.rmtree(aside)
    aside.unlink(missing_ok=True)
    make(aside)
    if aside.is_dir():  # a folder takes no file's place
        path.unlink()
    os.rename(aside, path)


def flipped(good):
    at = len(good) // 2
    return good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]


HARMS = {
    "cut": lambda good: lambda p: p.write_bytes(good[:-64]),
    "short": lambda good: lambda p: p.write_bytes(good[:100]),
    "empty": lambda good: lambda p: p.write_bytes(b""),
    "longer": lambda good: lambda p: p.write_bytes(good + bytes(64)),
    "flipped": lambda good: lambda p: p.write_bytes(flipped(good)),
    "foreign": lambda good: lambda p: p.write_bytes(os.urandom(len(good))),
    "folder": lambda good: lambda p: p.mkdir(),
    "link": lambda good: lambda p: p.symlink_to("/etc/passwd"),
    "fifo": lambda good: lambda p: os.mkfifo(p),
    "device": lambda good: lambda p: os.mknod(p, 0o20666, os.makedev(1, 5)),
    "socket": lambda good: lambda p: socket.socket(socket.AF_UNIX).bind(str(p)),
}


class Copy:
    """A data folder that no agent looks after, and two versions of a ring for it."""

    def __init__(self, folder, home):
        self.data = folder
        (folder / "rings").mkdir()
        self.file = folder / "rings" / "harmed.ring"
        self.bytes, self.stamps = [], []
        for change, weights in ((home.create, (1, 1, 1, 1, 1)), (home.update, (1, 2, 3, 4, 5))):
            assert change("harmed", spec(weights=weights)).status in (200, 201)
            self.bytes.append((home.data / "rings" / "harmed.ring").read_bytes())
            self.stamps.append(home.stamp("harmed"))

    def put(self, version):
        put(self.file, lambda path: path.write_bytes(self.bytes[version]))

    def asker(self, **options):
        return Asker(f"file:{self.data}", **options)


@pytest.fixture(scope="module")
def copy(home, tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"), home)


@pytest.mark.parametrize("harm", HARMS)
def test_a_file_that_is_harmed_changes_no_answer(copy, harm):
    copy.put(0)
    with copy.asker() as asker:
        assert asker.wait("harmed") == "ok"
        answers = [asker.look("harmed", *name) for name in NAMES]
        put(copy.file, HARMS[harm](copy.bytes[1]))
        until(lambda: asker.stats("harmed")["damaged"] > 0, "it is noticed")
        assert asker.stats("harmed")["trouble"].startswith(f"file:{copy.data}: ")
        assert [asker.look("harmed", *name) for name in NAMES] == answers
        assert asker.stats("harmed")["adopted"] == 1
        if copy.file.is_dir():
            copy.file.rmdir()
        copy.put(1)
        asker.until_stamp("harmed", copy.stamps[1])
        until(lambda: asker.stats("harmed")["adopted"] == 2, "it is counted")


def test_an_older_file_or_none_changes_no_answer(copy):
    copy.put(1)
    with copy.asker() as asker:
        asker.until_stamp("harmed", copy.stamps[1])
        copy.put(0)
        until(lambda: asker.stats("harmed")["older"] > 0, "it is noticed")
        assert asker.stamp("harmed") == copy.stamps[1]
        shutil.rmtree(copy.data / "rings")
        until(lambda: asker.stats("harmed")["missing"] > 0, "it is noticed")
        assert asker.stamp("harmed") == copy.stamps[1]
        (copy.data / "rings").mkdir()


def test_a_damaged_file_from_the_start_gives_way_to_the_one_before(copy):
    before = copy.file.with_name("harmed.prev")
    put(copy.file, lambda path: path.write_bytes(copy.bytes[1][:-64]))
    with copy.asker() as asker:
        assert asker.wait("harmed", 0).startswith(f"error bad-format file:{copy.data}: ")
        before.write_bytes(copy.bytes[0])
        asker.until_stamp("harmed", copy.stamps[0])
        copy.put(1)
        asker.until_stamp("harmed", copy.stamps[1])
    before.unlink()


# ---- somebody writes into the very file that is mapped ----

def cut_to_nothing(path, good):
    os.truncate(path, 0)


def cut_to_a_page(path, good):
    os.truncate(path, 4096)


def flip_in_place(path, good):
    with open(path, "r+b") as file:
        file.write(flipped(good))


def copy_over(path, good):
    with open(path, "wb") as file:  # as cp does
        file.write(os.urandom(len(good)))


@pytest.mark.parametrize("harm", [cut_to_nothing, cut_to_a_page, flip_in_place, copy_over])
def test_writing_into_the_mapped_file_is_found_out(copy, harm):
    copy.put(0)
    with copy.asker() as asker:
        assert asker.wait("harmed") == "ok"
        answers = [asker.look("harmed", *name) for name in NAMES]
        assert asker.ask("hammer", "harmed", 4) == "ok"
        harm(copy.file, copy.bytes[0])
        until(lambda: asker.stats("harmed")["spoilt"] == 1, "it is noticed")
        for name in NAMES:  # an error, and no answer
            assert asker.look("harmed", *name).startswith("error bad-digest")
        copy.put(0)  # what an agent does when it finds its file damaged
        until(lambda: asker.stats("harmed")["adopted"] == 2, "the same version again")
        assert [asker.look("harmed", *name) for name in NAMES] == answers
        looks, errors, backwards, spoilt = map(int, asker.ask("rest").split(" "))
        assert looks > 0 and errors == 0 and backwards == 0 and spoilt > 0
        copy.put(1)
        asker.until_stamp("harmed", copy.stamps[1])


def test_writing_with_its_time_put_back_is_found_out(copy):
    copy.put(0)
    with copy.asker() as asker:
        assert asker.wait("harmed") == "ok"
        linked = copy.file.with_name("linked")
        os.link(copy.file, linked)  # as the agent does: no harm
        looks = asker.stats("harmed")["looks"]
        until(lambda: asker.stats("harmed")["looks"] > looks + 1, "it looks again")
        asker.process.send_signal(signal.SIGSTOP)  # it sees nothing of what is between
        time = os.stat(copy.file).st_mtime_ns
        flip_in_place(copy.file, copy.bytes[0])
        os.utime(copy.file, ns=(time, time))
        asker.process.send_signal(signal.SIGCONT)
        until(lambda: asker.stats("harmed")["spoilt"] == 1, "it is noticed")
        assert asker.stats("harmed")["adopted"] == 1
        linked.unlink()


def test_what_was_written_into_gives_way_to_the_next_place(home, ring):
    with Asker(*places(home).values()) as asker:
        asker.until_stamp(ring, home.stamp(ring), home)
        answers = [asker.look(ring, *name) for name in NAMES]
        os.truncate(home.data / "rings" / f"{ring}.ring", 64)
        until(lambda: asker.stats(ring)["adopted"] == 2, "the same version from elsewhere")
        assert asker.stats(ring)["source"] == 1
        assert [asker.look(ring, *name) for name in NAMES] == answers


def test_a_bus_error_of_the_application_is_its_own(copy, tmp_path):
    """The library's handler leaves alone what is not its mapping."""
    copy.put(0)
    with copy.asker() as asker:
        assert asker.wait("harmed") == "ok"
        asker.process.send_signal(signal.SIGBUS)
        assert asker.process.wait(30) == -signal.SIGBUS
        asker.process.stdin.close()


# ---- memory ----

def test_all_resolvers_of_a_host_have_one_copy(home):
    """2^18 x 3: 1.5 MB. What each has besides must be small against it."""
    assert home.create("large", spec(part_power=18)).status == 201
    size = (home.data / "rings" / "large.ring").stat().st_size // 1024
    count = 4
    with contextlib.ExitStack() as stack:
        askers = [stack.enter_context(Asker(f"file:{home.data}")) for _ in range(count)]
        before = [int(asker.ask("memory").split(" ")[2]) for asker in askers]
        for asker in askers:
            assert asker.wait("large") == "ok"
            asker.look("large", "AUTH_me")
        until(lambda: all(asker.stats("large")["unclaimed"] == 0 for asker in askers), "at rest")
        memory = [tuple(map(int, asker.ask("memory").split(" "))) for asker in askers]
        for (rss, _, own), had in zip(memory, before):
            assert size <= rss <= size + 8, (size, memory)  # the page after it
            assert own - had < size / 4, (size, memory, before)
        assert sum(pss for _, pss, _ in memory) <= size + 8 * count, (size, memory)
