# SPDX-License-Identifier: Apache-2.0
"""
A plan is what happens: real agents plan, nothing changes, and what is applied with
the token moves exactly what was said; a plan that is not true any more is refused.
Long work shows on a terminal that it goes on, and Ctrl-C leaves nothing behind.
"""
import contextlib
import hashlib
import http.server
import json
import os
import pty
import shlex
import signal
import subprocess
import threading
import time

from world import DEADLINE, MCOS, mcos, spec, until

FIRST = spec(weights=(100, 100, 100, 200, 50))
NEXT = spec(weights=(100, 100, 0, 200, 50, 300))


def server(cluster):
    return f"unix:{cluster.socket}"


def files(folder):
    """Every file below, with its content; but for those on the clusters, which live by themselves."""
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in folder.rglob("*") if p.is_file() and p.name not in ("clusters", "confirmed")}


def write(world, name, doc):
    path = world.folder / name
    path.write_text(json.dumps(doc))
    return path


def plan(cluster, path, ring="photos"):
    done = mcos("ring", "plan", ring, "-f", path, "--json", server=server(cluster))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def has(cluster):
    return {d["name"]: d["has"] for d in cluster.get("/v1/rings/photos").json["devices"]}


def test_what_was_planned_is_what_happens(world):
    eu, us = world.start("eu", "us")
    first, following = write(world, "first.json", FIRST), write(world, "next.json", NEXT)
    told = plan(eu, first)
    assert told["before"] is None and told["plan"].startswith("pl_0-")
    assert eu.get("/v1/rings/photos").status == 404
    done = mcos("ring", "create", "photos", "-f", first, "--plan", told["plan"],
                server=server(eu))
    assert done.returncode == 0, done.stderr
    assert has(eu) == {d["name"]: d["has"] for d in told["devices"]}

    before = files(eu.data)
    stamp = eu.stamp("photos")
    told = plan(eu, following)
    assert (eu.stamp("photos"), files(eu.data)) == (stamp, before)
    assert told["stamp"] == stamp
    assert told["moved"] > 0
    assert sum(d["moves_in"] for d in told["devices"]) == told["moved"]
    assert sum(m["replicas"] * m["partitions"] for m in told["moving"]) == told["moved"]
    why = {d["name"]: [w["reason"] for w in d["why"]] for d in told["devices"]}
    assert why["d2"] == ["drained"]

    # The other cluster makes the same of it, and may be the one that applies it.
    world.agree("photos", stamp)
    assert plan(us, following)["plan"] == told["plan"]
    done = mcos("ring", "update", "photos", "-f", following, "--plan", told["plan"], "--json",
                server=server(us))
    assert done.returncode == 0, done.stderr
    change = json.loads(done.stdout)
    assert change["moved"] == told["moved"]
    assert has(us) == {d["name"]: d["has"] for d in told["devices"]}
    assert change["stamp"] != stamp


def test_a_rule_and_a_greater_part_power_go_through_an_agent(world):
    """Zone 1 has less than one of two replicas as long as e is there."""
    eu = world.start("eu")
    listed = [{"name": n, "zone": z, "weight": w} for n, z, w in (
        ("a", "1", 1.01), ("b", "1", 1.01), ("c", "2", 1), ("d", "3", 1), ("e", "2", 0.3))]
    first = {"partition_power": 8, "replicas": 2, "devices": listed}
    following = {**first, "devices": listed[:4]}
    assert eu.create("photos", first).status == 201
    told = plan(eu, write(world, "next.json", following))
    assert told["spread"] == "ceil" and told["floor"]["partitions"] > 0
    assert told["floor"]["moved"] > told["moved"]
    done = mcos("ring", "plan", "photos", "-f", world.folder / "next.json", server=server(eu))
    assert (f"{told['floor']['partitions']} partitions have less than floor in a region, zone or "
            f'host; with "spread": "strict" it would be {told["floor"]["moved"]} moves\n'
            ) in done.stdout
    done = mcos("ring", "update", "photos", "-f",
                write(world, "strict.json", {**following, "spread": "strict"}), "--json",
                server=server(eu))
    assert json.loads(done.stdout)["moved"] == told["floor"]["moved"], done.stdout
    done = mcos("ring", "show", "photos", "--spec", server=server(eu))
    spec = json.loads(done.stdout)
    assert spec["spread"] == "strict"

    # One more: each partition becomes two, nothing moves, and what new quotas round otherwise waits.
    had = has(eu)
    split = write(world, "split.json", {**spec, "partition_power": 9})
    told = plan(eu, split)
    assert (told["before"]["partitions"], told["partitions"]) == (256, 512)
    assert (told["moved"], told["held_by"], told["floor"]) == (0, "partition_power", None)
    assert 0 < told["held_back"] < 5
    assert {d["name"]: d["had"] for d in told["devices"]} == {n: 2 * h for n, h in had.items()}
    done = mcos("ring", "plan", "photos", "-f", split, server=server(eu))
    assert "every partition is split into 2, which moves nothing: there were 256\n" in done.stdout
    assert f", left for the next update: {told['held_back']}\n" in done.stdout
    done = mcos("ring", "update", "photos", "-f", split, "--plan", told["plan"], "--json",
                server=server(eu))
    made = json.loads(done.stdout)
    assert (made["moved"], made["held_back"]) == (0, told["held_back"]), done.stdout
    assert has(eu) == {n: 2 * h for n, h in had.items()}
    # The same spec again makes these moves.
    done = mcos("ring", "update", "photos", "-f", split, "--json", server=server(eu))
    made = json.loads(done.stdout)
    assert (made["moved"], made["held_back"]) == (told["held_back"], 0), done.stdout
    ring = eu.get("/v1/rings/photos").json
    assert (ring["partitions"], ring["spread"]) == (512, "strict")
    done = mcos("ring", "update", "photos", "-f", world.folder / "strict.json", server=server(eu))
    assert done.returncode == 8
    assert "a partition can be split, and cannot be joined with others, so 9 is the least" \
        in done.stderr


def test_a_plan_that_is_not_true_any_more_is_refused(world):
    eu = world.start("eu")
    first, following = write(world, "first.json", FIRST), write(world, "next.json", NEXT)
    assert eu.create("photos", FIRST).status == 201
    token = plan(eu, following)["plan"]

    def refused(path):
        stamp = eu.stamp("photos")
        done = mcos("ring", "update", "photos", "-f", path, "--plan", token, "--json",
                    server=server(eu))
        assert done.returncode == 4
        assert json.loads(done.stdout)["error"]["code"] == "plan-stale"
        assert eu.stamp("photos") == stamp

    refused(first)  # another spec
    assert eu.update("photos", spec(weights=(100, 100, 100, 200, 51))).status == 200
    refused(following)  # another ring before


def test_the_page_names_the_command_that_applies_it(world):
    eu = world.start("eu")
    following = write(world, "it's the next.json", NEXT)
    assert eu.create("photos", FIRST).status == 201
    done = mcos("ring", "plan", "photos", "-f", following, "-q", server=server(eu))
    assert done.stderr == ""
    token = done.stdout.splitlines()[-1].split("  plan ")[1]
    # As in a file where both go: the page, then the command.
    done = subprocess.run([MCOS, "ring", "plan", "photos", "-f", following, "--server", server(eu)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.stdout.splitlines()[-1].startswith("apply exactly this:"), done.stdout
    done = mcos("ring", "plan", "photos", "-f", following, server=server(eu))
    assert done.returncode == 0, done.stderr
    assert "why d2: drained (weight 0): its replicas leave\n" in done.stdout
    assert "survives the loss of any " in done.stdout
    command = done.stderr.split("apply exactly this:")[1]
    assert shlex.split(command)[1:] == ["--server", server(eu), "ring", "update", "photos", "-f",
                                        str(following), "--plan", token]
    assert subprocess.run(command, shell=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, timeout=60).returncode == 0
    assert eu.get("/v1/rings/photos").json["version"] == 2
    done = mcos("ring", "plan", "photos", "-f", write(world, "bad.json", {**FIRST, "replicas": 6}),
                server=server(eu))
    assert done.returncode == 8
    assert "6 replicas need 6 devices with weight" in done.stderr


def test_a_dry_run_of_files_writes_nothing(world):
    first, following = write(world, "first.json", FIRST), write(world, "next.json", NEXT)
    old = world.folder / "old.ring"
    assert mcos("ring", "build", "-f", first, "--out", old).returncode == 0
    before = files(world.folder)
    dry = json.loads(mcos("ring", "build", "-f", following, "--from", old, "--dry-run",
                          "--json").stdout)
    assert files(world.folder) == before
    real = json.loads(mcos("ring", "build", "-f", following, "--from", old, "--out",
                           world.folder / "new.ring", "--json").stdout)
    for key in ("moved", "moved_lower_bound", "moving", "before", "after", "devices"):
        assert dry[key] == real[key], key
    assert "plan" not in dry
    for args, why in ((["--out", old, "--dry-run"], "--dry-run writes nothing: leave out --out"),
                      ([], "--out FILE or --dry-run")):
        done = mcos("ring", "build", "-f", first, *args)
        assert done.returncode == 2 and why in done.stderr, done.stderr


# ---- on a terminal ----

class Seen:
    """A program on a pseudo-terminal of its own; what it draws there."""

    def __init__(self, *args):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [str(MCOS), *map(str, args)], stdout=subprocess.DEVNULL, stderr=slave,
            stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"})
        os.close(slave)
        self.text = ""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.end()

    def read(self):
        with contextlib.suppress(OSError):  # the other side is closed
            while chunk := os.read(self.master, 65536):
                self.text += chunk.decode(errors="replace")

    def end(self):
        status = self.process.wait(timeout=DEADLINE)
        self.reader.join(timeout=DEADLINE)
        os.close(self.master)
        return status

    def resident(self):
        """KiB of memory in use; 0 when it has ended."""
        with contextlib.suppress(OSError):
            for line in open(f"/proc/{self.process.pid}/status", encoding="ascii"):
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0


def in_the_middle(world, *more):
    """A build that has begun to fill its table, and was held for a second."""
    large = spec(part_power=22, weights=[100 + i % 7 for i in range(1000)])
    out = world.folder / "out"
    out.mkdir(exist_ok=True)
    seen = Seen("ring", "build", "-f", write(world, "large.json", large), "--out",
                out / "large.ring", *more)
    with contextlib.ExitStack() as stack:
        stack.enter_context(seen)
        until(lambda: seen.resident() > 30000 or seen.process.poll() is not None, "it builds")
        assert seen.process.poll() is None, "a build of 2^22 ended before it was looked at"
        seen.process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)  # real time, which is what the bar waits for
        seen.process.send_signal(signal.SIGCONT)
        stack.pop_all()
    return seen, out


def test_a_long_build_shows_a_bar_and_ctrl_c_leaves_nothing(world):
    seen, out = in_the_middle(world)
    with seen:
        until(lambda: "building large  [" in seen.text or seen.process.poll() is not None,
              "a bar")
        seen.process.send_signal(signal.SIGINT)
        assert seen.end() == 130, seen.text
    assert list(out.iterdir()) == []
    assert " %" in seen.text and seen.text.rstrip().endswith("mcos: interrupted")
    assert "\r\x1b[K" in seen.text.split("]")[-1], "the bar is wiped out"


def test_without_a_bar_ctrl_c_ends_it_too(world):
    seen, out = in_the_middle(world, "--quiet")
    with seen:
        seen.process.send_signal(signal.SIGTERM)
        assert seen.end() == 143
    assert list(out.iterdir()) == []
    assert seen.text == ""


def test_a_wait_for_an_agent_shows_the_time(world):
    shown = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            shown.wait(DEADLINE)
            data = json.dumps({"ring": "photos", "plan": "pl_0-5be1c04d9a3b7e21"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    agent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=agent.serve_forever, args=(0.02,), daemon=True).start()
    with Seen("--server", f"http://127.0.0.1:{agent.server_port}", "ring", "plan", "photos",
              "-f", write(world, "first.json", FIRST)) as seen:
        until(lambda: "planning photos  1." in seen.text or "planning photos  2." in seen.text,
              "the time")
        shown.set()
        assert seen.end() == 0
    assert "ring create photos" in seen.text
    agent.shutdown()
    agent.server_close()
