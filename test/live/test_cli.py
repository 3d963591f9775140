# SPDX-License-Identifier: Apache-2.0
"""
What a script relies on: exit status, one JSON document on standard output, on
failure too, and nothing else there. Offline commands work on real files (the
look-ups of a Swift ring are compared with what Swift itself answered); the
online ones talk to a stand-in agent, so that refusals, silence and clusters that
never catch up can be had at will. Real agents are the other files' matter.
"""
import http.server
import json
import os
import signal
import socket
import stat
import subprocess
import threading
import time
import unittest
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MCOS_BUILD", ROOT / "build"))
MCOS = str(BUILD / "src/app/mcos")
EXAMPLES = ROOT / "examples"
GZ = str(EXAMPLES / "swift-object.ring.gz")
CONF = str(EXAMPLES / "swift.conf")

# account, container, object, partition, device ids: by Swift's own Ring
GOLDEN = [
    ("AUTH_test", "\\N", "\\N", 77, [2, 8, 7], [10, 4, 1, 3, 6, 9]),
    ("AUTH_test", "c", "\\N", 149, [9, 2, 4], [1, 10, 6, 3, 8, 7]),
    ("AUTH_test", "c", "o", 145, [3, 8, 6], [4, 1, 10, 2, 9, 7]),
    ("AUTH_tést", "容器", "øbject/日本", 41, [2, 8, 10], [6, 1, 4, 3, 9, 7]),
    ("a", "b", "c/d//e/", 84, [1, 9, 7], [3, 4, 10, 6, 8, 2]),
]


def run(*args, stdin=None, env=None, timeout=60):
    full = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    full.pop("MCOS_SERVER", None)
    done = subprocess.run([MCOS, *map(str, args)], input=stdin, capture_output=True,
                          env=full, timeout=timeout)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def doc(*args, **kw):
    """Runs with --json: exit status and the one document."""
    status, out, err = run(*args, "--json", **kw)
    assert out.count("\n") == 1 and out.endswith("\n"), (out, err)
    parsed = json.loads(out)
    assert parsed["schema"] == "mcos/v1"
    return status, parsed


class Usage(unittest.TestCase):
    def test_wrong_usage_is_2_and_a_document(self):
        for args in (["statsu"], ["ring", "create", "x"], ["ring"], [],
                     ["status", "--nope"], ["status", "--color", "pink"],
                     ["status", "--timeout", "never"], ["--server", "ftp://x", "status"],
                     ["ring", "build"], ["lookup", "x"], ["ring", "delete", "x", "--no-input"],
                     ["ring", "import-swift", GZ]):
            status, d = doc(*args)
            self.assertEqual((status, d["error"]["code"]), (2, "usage"), args)

    def test_nobody_there_is_6(self):
        for server in ("unix:/nonexistent/sock", "http://127.0.0.1:1"):
            status, d = doc("--server", server, "status")
            self.assertEqual((status, d["error"]["code"]), (6, "unreachable"))

    def test_a_name_that_is_none_is_8(self):
        status, d = doc("ring", "show", "../etc")
        self.assertEqual((status, d["error"]["code"]), (8, "bad-name"))

    def test_help_and_version_are_0(self):
        for args in (["help"], ["--help"], ["help", "ring", "create"], ["help", "ring"],
                     ["version"], ["lookup", "-h"]):
            status, out, err = run(*args)
            self.assertEqual((status, err), (0, ""), args)
            self.assertTrue(out)
        self.assertEqual(doc("version")[0], 0)
        self.assertEqual(run("--version"), run("version"))
        self.assertEqual(doc("--version"), doc("version"))

    def test_help_is_one_document_too(self):
        for args in (["help"], ["--help"], ["-h"]):
            status, d = doc(*args)
            self.assertEqual((status, len(d["commands"]) > 10), (0, True))
        for args in (["help", "ring"], ["ring", "--help"]):
            self.assertTrue(all(c["name"].startswith("ring ") for c in doc(*args)[1]["commands"]))
        for args in (["help", "ring", "create"], ["ring", "create", "-h"]):
            self.assertEqual([c["name"] for c in doc(*args)[1]["commands"]], ["ring create"])
        for args in (["help", "nonsense"], ["help", "rin"], ["help", "ring", "nonsense"]):
            status, d = doc(*args)
            self.assertEqual((status, d["error"]["code"]), (2, "usage"))
            status, out, err = run(*args)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("there is no command", err)

    def test_an_answer_that_cannot_be_written_is_9(self):
        for args in (["help"], ["version"], ["help", "--json"], ["version", "--json"],
                     ["lookup", "--file", GZ, "--swift-conf", CONF, "a", "--json"],
                     ["lookup", "--file", GZ, "--swift-conf", CONF, "a"],
                     ["status", "--nope", "--json"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([MCOS, *args], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 9, args)
            self.assertIn(b"could not be written", done.stderr)


class Offline(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def path(self, name):
        return str(Path(self.dir.name) / name)

    def test_build_and_build_again(self):
        first, second = self.path("Objects.ring"), self.path("next.ring")
        status, a = doc("ring", "build", "--spec", EXAMPLES / "objects.json", "--out", first)
        self.assertEqual(status, 0)
        self.assertEqual((a["ring"], a["version"], a["assignments"]), ("objects", 1, 196608))
        for key in ("moved", "moved_lower_bound", "balance", "max_deviation", "dispersion",
                    "violations", "cpu_seconds", "total_cpu_seconds", "held_back", "peak_kb"):
            self.assertIsInstance(a[key], (int, float), key)
        self.assertLess(a["max_deviation"], 1)
        self.assertEqual(a["violations"], 0)
        status, b = doc("ring", "build", "--spec", EXAMPLES / "objects-2.json", "--from", first,
                        "--out", second)
        self.assertEqual((status, b["ring"], b["version"]), (0, "objects", 2))
        self.assertGreaterEqual(b["moved"], b["moved_lower_bound"])
        self.assertGreater(b["moved"], 0)
        self.assertEqual(sorted(os.listdir(self.dir.name)), ["Objects.ring", "next.ring"])

    def test_what_asks_no_agent_loads_no_network(self):
        """libcurl and all it brings cost more than to build a ring."""
        status, libraries, _ = run("version", env={"LD_TRACE_LOADED_OBJECTS": "1"})
        self.assertEqual(status, 0)
        self.assertIn("libcrypto", libraries)
        for name in ("curl", "ssl.so", "gnutls", "memcached", "rabbitmq"):
            self.assertNotIn(name, libraries)

    def test_large_rings_are_built_in_bounded_memory(self):
        """Two bytes a replica and as much again; a rebalance up to 17 bytes a replica."""
        first, second = self.path("large.ring"), self.path("next.ring")
        for power, replicas, count, regions in ((23, 3, 1000, 3), (20, 8, 5000, 10)):
            spec = {"partition_power": power, "replicas": replicas, "min_move_seconds": 0,
                    "devices": [{"name": f"d{i}", "region": f"r{i % regions}",
                                 "zone": f"z{i // regions % 4}", "weight": 1 + i % 3}
                                for i in range(count)]}
            status, built = doc("ring", "build", "--spec", "-", "--out", first,
                                stdin=json.dumps(spec).encode())
            self.assertEqual(status, 0)
            self.assertEqual((built["violations"], built["below_floor"]), (0, 0))
            self.assertLess(built["max_deviation"], 1)
            self.assertLess(built["peak_kb"] * 1024, 4 * built["assignments"] + (30 << 20))
        spec["devices"] = [d for d in spec["devices"] if d["region"] != "r3"]
        status, built = doc("ring", "build", "--spec", "-", "--from", first, "--out", second,
                            stdin=json.dumps(spec).encode())
        self.assertEqual((status, built["violations"], built["held_back"]), (0, 0, 0))
        self.assertEqual(built["moved"], built["moved_lower_bound"])
        self.assertLess(built["max_deviation"], 1)
        self.assertLess(built["peak_kb"] * 1024, 17 * built["assignments"] + (30 << 20))

    def test_the_same_time_and_seed_give_the_same_bytes(self):
        paths = [self.path("r.ring"), self.path("s.ring")]
        for p in paths:
            self.assertEqual(run("ring", "build", "--spec", EXAMPLES / "objects.json", "--out", p,
                                 "--name", "r", "--seed", 7, "--now", 1700000000)[0], 0)
        self.assertEqual(*(Path(p).read_bytes() for p in paths))

    def test_a_bad_spec_is_8_and_nothing_is_written(self):
        device = {"name": "a", "weight": 1}
        whole = {"partition_power": 4, "replicas": 1, "devices": [device]}
        bad = [
            "", "{", "[" * 1000000, json.dumps({**whole, "colour": 1}),
            json.dumps({**whole, "replicas": 3}), json.dumps({**whole, "partition_power": 25}),
            json.dumps({**whole, "devices": [{**device, "weight": -1}]}),
            json.dumps({**whole, "devices": [{**device, "weight": 0}]}),
            json.dumps({**whole, "devices": [device, device]}),
            json.dumps(whole)[:-1] + ', "replicas": 1}',
            '{"partition_power": 4, "replicas": 1, "devices": [{"name": "a", "weight": NaN}]}',
        ]
        for text in bad:
            status, d = doc("ring", "build", "--spec", "-", "--out", self.path("no.ring"),
                            stdin=text.encode())
            self.assertEqual(status, 8, text[:80])
            self.assertTrue(d["error"]["detail"])
        self.assertEqual(os.listdir(self.dir.name), [])

    def test_a_file_that_is_not_there_is_3(self):
        none = self.path("none")
        self.assertEqual(doc("ring", "build", "--spec", none, "--out", self.path("x"))[0], 3)
        self.assertEqual(doc("lookup", "--file", none, "a")[0], 3)

    def test_an_odd_file_name_is_shown_without_harm(self):
        odd = self.path("a\033[31m\u009b\udcff\u00e9")
        for args in (["ring", "create", "x", "-f", odd], ["lookup", "--file", odd, "a"]):
            status, d = doc(*args)
            self.assertEqual((status, d["error"]["code"]), (3, "not-found"))
            self.assertTrue(d["error"]["detail"].endswith(
                "/a\\x1b[31m\\xc2\\x9b\\xff\u00e9: No such file or directory"), d)
            self.assertNotIn("\033", run(*args)[2])

    def test_a_bad_spec_is_told_with_its_file(self):
        Path(self.path("bad.json")).write_text("{")
        status, d = doc("ring", "build", "--spec", self.path("bad.json"), "--out",
                        self.path("x"))
        self.assertEqual((status, d["error"]["code"]), (8, "bad-json"))
        self.assertTrue(d["error"]["detail"].startswith(self.path("bad.json")), d)

    def test_an_empty_spec_is_said_to_be_empty(self):
        status, d = doc("ring", "build", "--spec", "-", "--out", self.path("x"), stdin=b"")
        self.assertEqual((status, d["error"]["code"]), (8, "bad-json"))
        self.assertIn("empty", d["error"]["detail"])

    def test_a_folder_that_is_not_there_is_9(self):
        status, d = doc("ring", "build", "--spec", EXAMPLES / "objects.json", "--out",
                        self.path("no/such.ring"))
        self.assertEqual((status, d["error"]["code"]), (9, "store-failed"))
        os.mkdir(self.path("folder"))
        self.assertEqual(doc("ring", "build", "--spec", EXAMPLES / "objects.json", "--out",
                             self.path("folder"))[0], 2)
        self.assertEqual(os.listdir(self.dir.name), ["folder"])

    def test_only_a_file_is_replaced_and_a_link_stays_one(self):
        def build(out):
            return doc("ring", "build", "--spec", EXAMPLES / "objects.json", "--out", out)
        os.mkfifo(self.path("pipe"))
        os.symlink("/dev/full", self.path("device"))
        os.symlink("nothing", self.path("dangling"))
        for name, expected in (("pipe", 2), ("device", 2), ("dangling", 9)):
            status, d = build(self.path(name))
            self.assertEqual(status, expected, d)
            self.assertIn(name, d["error"]["detail"])
        for name in ("", "-"):
            status, d = build(name)
            self.assertEqual(status, 2, d)
            self.assertIn("names no file", d["error"]["detail"])
        self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("pipe")).st_mode))
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))
        os.mkdir(self.path("far"))
        Path(self.path("far/real")).write_bytes(b"old")
        os.symlink("far/real", self.path("link"))
        self.assertEqual(build(self.path("link"))[0], 0)
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertGreater(len(Path(self.path("far/real")).read_bytes()), 1000)
        self.assertEqual(os.listdir(self.path("far")), ["real"])

    def test_golden_lookups_of_an_imported_ring(self):
        ring = self.path("gold.ring")
        status, d = doc("ring", "import-swift", GZ, "--name", "gold", "--swift-conf", CONF,
                        "--out", ring)
        self.assertEqual((status, d["ring"], d["version"]), (0, "gold", 1))
        self.assertEqual(Path(ring).read_bytes()[16:32], bytes(16))  # of no system
        text = "".join("\t".join(row[:3]) + "\n" for row in GOLDEN).encode()
        for file in (ring, GZ):
            status, out, _ = run("lookup", "--file", file, "--swift-conf", CONF, "--stdin",
                                 "--handoffs", 6, "--json", stdin=text)
            self.assertEqual(status, 0)
            answers = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(len(answers), len(GOLDEN))
            for row, answer in zip(GOLDEN, answers):
                self.assertEqual(answer["partition"], row[3])
                self.assertEqual([x["id"] for x in answer["devices"]], row[4])
                self.assertEqual([x["id"] for x in answer["handoffs"]], row[5])
        one = [part for part in GOLDEN[2][:3]]
        status, d = doc("lookup", "--file", ring, "--swift-conf", CONF, *one)
        self.assertEqual((status, d["partition"]), (0, 145))
        self.assertEqual(d["devices"][0]["name"], "192.0.2.26:6200/sda")

    def test_a_wrong_secret_is_8(self):
        ring = self.path("gold.ring")
        run("ring", "import-swift", GZ, "--name", "gold", "--swift-conf", CONF, "--out", ring)
        self.assertEqual(doc("lookup", "--file", ring, "AUTH_x")[1]["error"]["code"],
                         "secret-needed")
        Path(self.path("wrong.conf")).write_text("[swift-hash]\nswift_hash_path_suffix = no\n")
        status, d = doc("lookup", "--file", ring, "--swift-conf", self.path("wrong.conf"), "AUTH_x")
        self.assertEqual((status, d["error"]["code"]), (8, "secret-needed"))

    def test_a_bad_line_is_answered_in_its_place_and_the_run_ends_with_8(self):
        text = b"a\tc\to\na\t\to\n\nb\n" + b"x" * (2 << 20) + b"\nc"
        status, out, _ = run("lookup", "--file", GZ, "--swift-conf", CONF, "--stdin", "--json",
                             stdin=text)
        self.assertEqual(status, 8)
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(["error" in x for x in answers], [False, True, True, False, True, False])
        self.assertEqual([x["error"]["line"] for x in answers if "error" in x], [2, 3, 5])

    def test_damaged_files_are_refused(self):
        good = Path(GZ).read_bytes()
        ring = self.path("gold.ring")
        run("ring", "import-swift", GZ, "--name", "gold", "--swift-conf", CONF, "--out", ring)
        record = Path(ring).read_bytes()
        for bad in (b"", b"x", good[:-9], good[:200], record[:-1], record + b"x", record[:100],
                    record[:700] + bytes([record[700] ^ 1]) + record[701:]):
            Path(self.path("bad")).write_bytes(bad)
            status, d = doc("lookup", "--file", self.path("bad"), "--swift-conf", CONF, "a")
            self.assertEqual(status, 8, (len(bad), d))
            self.assertTrue(d["error"]["detail"].startswith(self.path("bad") + ": "), d)
        Path(self.path("bad")).write_bytes(good[:200])
        status, d = doc("lookup", "--file", self.path("bad"), "--swift-conf", CONF, "a")
        self.assertGreater(d["error"]["offset"], 0)
        status, _, err = run("lookup", "--file", self.path("bad"), "--swift-conf", CONF, "a")
        self.assertIn(f"\n  at: byte {d['error']['offset']}\n", err)
        Path(self.path("bad")).write_bytes(good[:-9])
        Path(self.path("conf")).write_text("[swift-hash]\n[swift-hash]\n")
        for name, more in (("bad", ["--swift-conf", CONF]),
                           ("conf", ["--swift-conf", self.path("conf")])):
            status, d = doc("ring", "import-swift", self.path("bad"), "--name", "gold",
                            "--out", self.path("new.ring"), *more)
            self.assertTrue(d["error"]["detail"].startswith(self.path(name) + ": "), d)


class Agent(http.server.BaseHTTPRequestHandler):
    """A stand-in: answers what the test laid down for (method, path)."""

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        rows = self.server.rows.get((self.command, self.path.split("?")[0]))
        status, headers, text = rows.pop(0) if len(rows or []) > 1 else \
            rows[0] if rows else (404, {}, problem("not-found", 404))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        data = text.encode() if isinstance(text, str) else json.dumps(text).encode()
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_DELETE = answer

    def log_message(self, *args):
        pass


def problem(code, status, **more):
    return {"type": "/problems/" + code, "title": code, "status": status, "code": code,
            "detail": "said by the agent", **more}


CHANGE = {"ring": "photos", "stamp": "v1.91d0aa02", "version": 1, "digest": "91d0aa02" * 8,
          "durable": True, "distributed": True, "moved": 0, "moved_lower_bound": 0, "held_back": 0,
          "assignments": 12, "balance": 0.0, "max_deviation": 0.0, "dispersion": 0.0,
          "violations": 0, "build_seconds": 0.1}


def convergence(has):
    return {"ring": "photos", "stamp": "v1.91d0aa02", "version": 1, "digest": "91d0aa02" * 8,
            "deleted": False, "state": "converged" if has else "converging",
            "active": {"have": 1 + has, "of": 2}, "inactive_pending": ["c"], "conflicts": 0,
            "clusters": [
                {"cluster": "a", "state": "ACTIVE", "has": True, "relation": "equal",
                 "stamp": "v1.91d0aa02"},
                {"cluster": "b", "state": "ACTIVE", "has": has,
                 "relation": "equal" if has else "none", "stamp": ""},
                {"cluster": "c", "state": "INACTIVE", "reason": "silent", "has": False,
                 "relation": "unknown", "stamp": ""}]}


class Online(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
        self.server.rows, self.server.seen = {}, []
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        self.spec = str(EXAMPLES / "objects.json")

    def on(self, method, path, *rows):
        self.server.rows[(method, path)] = [
            (r[0], r[1] if len(r) > 2 else {}, r[-1]) for r in rows]

    def doc(self, *args, **kw):
        return doc("--server", self.url, *args, **kw)

    def create(self, *more):
        return self.doc("ring", "create", "photos", "-f", self.spec, *more)

    def test_status_is_1_when_not_ok(self):
        for verdict, expected in (("ok", 0), ("degraded", 1), ("failing", 1)):
            self.on("GET", "/v1/status", (200, {"verdict": verdict, "reasons": ["because"],
                                                "clusters": {"active": 1, "inactive": 0}}))
            status, d = self.doc("status")
            self.assertEqual((status, d["verdict"]), (expected, verdict))
            self.assertEqual(run("--server", self.url, "status")[0], expected)

    def test_create_says_what_it_expects_and_waits(self):
        self.on("PUT", "/v1/rings/photos", (201, CHANGE))
        self.on("GET", "/v1/rings/photos/convergence", (200, convergence(False)),
                (200, convergence(False)), (200, convergence(True)))
        status, d = self.create()
        self.assertEqual((status, d["convergence"]["state"]), (0, "converged"))
        method, _, headers, body = self.server.seen[0]
        self.assertEqual((method, headers["If-None-Match"]), ("PUT", "*"))
        self.assertEqual(body, Path(self.spec).read_bytes())

    def test_not_everywhere_in_time_is_5_and_names_them(self):
        self.on("PUT", "/v1/rings/photos", (201, CHANGE))
        self.on("GET", "/v1/rings/photos/convergence", (200, convergence(False)))
        status, d = self.create("--wait-timeout", "400ms")
        self.assertEqual((status, d["error"]["code"]), (5, "not-yet-everywhere"))
        self.assertEqual(d["error"]["waiting_for"], ["b"])
        self.assertEqual(d["stamp"], "v1.91d0aa02")
        status, d = self.create("--wait-timeout", "400ms", "--wait", "all")
        self.assertEqual((status, d["error"]["waiting_for"]), (5, ["b", "c"]))
        self.assertEqual(self.create("--wait", "none")[0], 0)
        status, _, err = run("--server", self.url, "ring", "create", "photos", "-f", self.spec,
                             "--wait-timeout", "400ms")
        self.assertEqual(status, 5)
        self.assertIn("waiting for: b", err)
        self.assertNotIn("\033", err)

    def test_a_change_that_lost_is_4_and_names_what_won(self):
        self.on("PUT", "/v1/rings/photos", (201, CHANGE))
        won = {**convergence(True), "stamp": "v1.bbbbbbbb", "conflicts": 1}
        self.on("GET", "/v1/rings/photos/convergence", (200, convergence(False)), (200, won))
        ring = {"ring": "photos", "stamp": "v1.bbbbbbbb", "version": 1, "epoch": 0,
                "origin": "us", "author": "ann", "conflicts": 1,
                "losers": [{"stamp": "v1.91d0aa02", "version": 1}]}
        self.on("GET", "/v1/rings/photos", (200, ring))
        status, d = self.create()
        self.assertEqual((status, d["error"]["code"], d["fate"]), (4, "conflict", "lost"))
        self.assertEqual((d["stamp"], d["error"]["stamp"]), ("v1.91d0aa02", "v1.bbbbbbbb"))
        status, out, err = run("--server", self.url, "ring", "create", "photos", "-f", self.spec)
        self.assertEqual(status, 4)
        self.assertIn("lost against v1.bbbbbbbb, made on us", err)
        self.assertNotIn("ACTIVE clusters", out)
        self.on("GET", "/v1/rings/photos", (200, {**ring, "losers": []}))
        status, d = self.create()
        self.assertEqual((status, d["error"]["code"], d["fate"]), (4, "conflict", "not-in-force"))
        self.on("GET", "/v1/rings/photos", (200, {**ring, "losers": [], "version": 2,
                                                  "stamp": "v2.bbbbbbbb"}))
        status, d = self.create()
        self.assertEqual((status, d["fate"]), (0, "replaced"))

    def test_a_conflict_is_listed_and_marked(self):
        self.on("GET", "/v1/rings/photos", (200, {
            "ring": "photos", "stamp": "v2.bb", "conflicts": 1, "losers": [
                {"stamp": "v2.aa", "version": 2, "origin": "eu", "author": "bob",
                 "note": "more\033 disks", "time": "2026-01-02T10:00:00.000Z"}]}))
        status, out, err = run("--server", self.url, "ring", "show", "photos")
        self.assertEqual(status, 0)
        self.assertIn('v2.aa   2026-01-02T10:00:00.000Z by bob via eu   "more\\x1b disks"', out)
        self.assertIn("mcos ring update photos", err)
        self.on("GET", "/v1/convergence", (200, {"rings": [{**convergence(True),
                                                            "conflicts": 1}]}))
        self.on("GET", "/v1/clusters", (200, {"clusters": []}))
        self.assertIn("✗ 1 lost", run("--server", self.url, "matrix")[1])

    def test_ctrl_c_is_130_and_what_was_accepted_goes_on(self):
        self.on("PUT", "/v1/rings/photos", (201, CHANGE))
        self.on("GET", "/v1/rings/photos/convergence", (200, convergence(False)))
        p = subprocess.Popen([MCOS, "--server", self.url, "ring", "create", "photos", "-f",
                              self.spec], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until = time.monotonic() + 20
        while time.monotonic() < until and not any("convergence" in s[1] for s in self.server.seen):
            time.sleep(0.02)
        p.send_signal(signal.SIGINT)
        _, err = p.communicate(timeout=20)
        self.assertEqual(p.returncode, 130)
        self.assertIn(b"goes on", err)
        self.assertNotIn(b"does not answer", err)

    def test_a_hint_can_be_pasted(self):
        self.on("PUT", "/v1/rings/photos", (201, CHANGE))
        _, _, err = run("--server", self.url, "ring", "create", "photos", "-f", self.spec,
                        "--wait", "none")
        self.assertIn(f"next: {MCOS} ring show photos", err)

    def test_refusals_keep_the_agents_words(self):
        for code, status, expected in (("exists", 412, 4), ("placement-impossible", 422, 8),
                                       ("store-failed", 500, 9), ("clock-off", 503, 9),
                                       ("something-new", 409, 4), ("something-new", 500, 9)):
            self.on("PUT", "/v1/rings/photos", (status, problem(code, status, hint="try this")))
            got, d = self.create()
            self.assertEqual((got, d["error"]["code"], d["error"]["hint"]),
                             (expected, code, "try this"))
        self.assertEqual(self.doc("ring", "show", "nothere")[0], 3)

    def test_what_somebody_else_did_is_answered_with_commands(self):
        stale = (412, problem("stale", 412, hint="send its ETag"))
        taken = (412, problem("exists", 412, hint="send If-Match"))
        self.on("PUT", "/v1/rings/gold/import", taken)
        self.on("GET", "/v1/rings/gold", (200, {"ring": "gold"}))
        self.on("PUT", "/v1/rings/gold", stale)
        for args, hint in ((["import-swift", GZ, "--name", "gold"], "hint: with --replace"),
                           (["update", "gold", "-f", self.spec, "--if-match", "1-00000000"],
                            "hint: look at it with `mcos ring show gold`")):
            status, _, err = run("--server", self.url, "ring", *args)
            self.assertEqual(status, 4)
            self.assertIn(hint, err)
            self.assertNotIn("ETag", err)
            self.assertNotIn("If-Match", err)

    def test_create_of_what_exists_names_update(self):
        self.on("PUT", "/v1/rings/photos", (412, problem("exists", 412, hint="send If-Match")))
        _, _, err = run("--server", self.url, "ring", "create", "photos", "-f", self.spec)
        self.assertIn("hint: `mcos ring update photos`", err)
        self.assertNotIn("If-Match", err)

    def test_an_agent_that_listens_a_moment_later_is_waited_for(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        p = subprocess.Popen([MCOS, "--server", f"http://127.0.0.1:{port}", "status"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1)
        late = http.server.ThreadingHTTPServer(("127.0.0.1", port), Agent)
        late.rows = {("GET", "/v1/status"): [(200, {}, {"verdict": "ok", "clusters": {}})]}
        late.seen = []
        threading.Thread(target=late.serve_forever, args=(0.02,), daemon=True).start()
        _, err = p.communicate(timeout=30)
        late.shutdown()
        late.server_close()
        self.assertEqual((p.returncode, len(late.seen)), (0, 1))
        self.assertEqual(err.count(b"waiting for it"), 1)
        start = time.monotonic()
        self.assertEqual(doc("--server", f"http://127.0.0.1:{port}", "--timeout", "400ms",
                             "status")[0], 6)
        self.assertLess(time.monotonic() - start, 2.5)

    def test_not_ready_is_tried_again_until_the_timeout(self):
        not_ready = (503, {"Retry-After": "1"}, problem("not-ready", 503))
        self.on("PUT", "/v1/rings/photos", not_ready, not_ready, (201, CHANGE))
        self.assertEqual(self.create("--wait", "none")[0], 0)
        self.on("PUT", "/v1/rings/photos", not_ready)
        self.assertEqual(self.create("--wait", "none", "--timeout", "600ms")[0], 6)

    def test_update_and_delete_send_the_etag_they_read(self):
        self.on("GET", "/v1/rings/photos", (200, {"ETag": '"7-91d0aa02"'}, {"ring": "photos"}))
        self.on("PUT", "/v1/rings/photos", (200, CHANGE))
        self.on("DELETE", "/v1/rings/photos", (200, CHANGE))
        self.assertEqual(self.doc("ring", "update", "photos", "-f", self.spec, "--wait", "none")[0],
                         0)
        self.assertEqual(self.server.seen[-1][2]["If-Match"], '"7-91d0aa02"')
        self.assertEqual(self.doc("ring", "update", "photos", "-f", self.spec, "--wait", "none",
                                  "--if-match", "6-00000000")[0], 0)
        self.assertEqual(self.server.seen[-1][2]["If-Match"], '"6-00000000"')
        before = len(self.server.seen)
        self.assertEqual(self.doc("ring", "delete", "photos", "--confirm", "photo")[0], 2)
        self.assertEqual(len(self.server.seen), before)
        self.assertEqual(self.doc("ring", "delete", "photos", "--confirm", "photos", "--wait",
                                  "none")[0], 0)
        self.assertEqual(self.server.seen[-1][0], "DELETE")

    def test_a_deleted_ring_is_3_for_update(self):
        self.on("GET", "/v1/rings/photos", (200, {"ETag": '"8-x"'}, {"deleted": True}))
        status, d = self.doc("ring", "update", "photos", "-f", self.spec)
        self.assertEqual((status, d["error"]["code"]), (3, "deleted"))

    def test_what_is_no_agent_is_6(self):
        for text in ("<html>", "[]", "{", '{"a": 1, "a": 2}'):
            self.on("GET", "/v1/status", (200, text))
            self.assertEqual(self.doc("status")[0], 6)
        self.on("GET", "/v1/status", (500, "<html>"))
        self.assertEqual(self.doc("status")[0], 6)
        self.on("GET", "/v1/status", (302, {"Location": "/x"}, "{}"))
        self.assertEqual(self.doc("status")[0], 6)

    def test_an_agent_that_does_not_answer_is_6_in_time(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            start = time.monotonic()
            status, d = doc("--server", "http://127.0.0.1:%d" % silent.getsockname()[1],
                            "--timeout", "500ms", "status")
            self.assertEqual((status, d["error"]["code"]), (6, "unreachable"))
            self.assertLess(time.monotonic() - start, 5)

    def test_a_build_from_a_checked_ring_stays_checked(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / "wrong.conf").write_text("[swift-hash]\nswift_hash_path_suffix = wrong\n")
            (path / "spec.json").write_text(json.dumps(
                {"partition_power": 8, "replicas": 3, "hash": "swift-md5", "devices": [
                    {"name": "n%d" % i, "weight": 1, "host": "h%d" % i, "port": 6200}
                    for i in range(4)]}))
            run("ring", "import-swift", GZ, "--name", "gold", "--swift-conf", CONF, "--out",
                path / "gold.ring")
            build = ["ring", "build", "--spec", path / "spec.json", "--out", path / "x.ring"]
            for more, checked in ((["--from", path / "gold.ring"], True),
                                  (["--from", path / "gold.ring", "--swift-conf", CONF], True),
                                  (["--from", GZ, "--swift-conf", CONF], True),
                                  (["--from", GZ], False),
                                  (["--swift-conf", CONF], True), ([], False)):
                status, d = doc(*build, *more)
                self.assertEqual((status, "warning" in d), (0, not checked), more)
                self.assertEqual("warning: " in run(*build, *more)[2], not checked)
                for conf, good in ((CONF, True), (path / "wrong.conf", not checked)):
                    status = run("lookup", "--file", path / "x.ring", "--swift-conf", conf, "a")[0]
                    self.assertEqual(status, 0 if good else 8, (more, conf))
            (path / "x.ring").unlink()
            status, d = doc(*build, "--from", path / "gold.ring", "--swift-conf",
                            path / "wrong.conf")
            self.assertEqual((status, d["error"]["code"]), (8, "secret-needed"))
            self.assertFalse((path / "x.ring").exists())

    def test_an_import_without_the_secret_warns(self):
        self.on("PUT", "/v1/rings/gold/import", (201, {**CHANGE, "ring": "gold"}))
        online = ["--server", self.url, "ring", "import-swift", GZ, "--name", "gold",
                  "--wait", "none"]
        with tempfile.TemporaryDirectory() as folder:
            offline = ["ring", "import-swift", GZ, "--name", "gold", "--out", folder + "/x"]
            for args in (online, offline):
                for more, warned in (([], True), (["--swift-conf", CONF], False)):
                    status, d = doc(*args, *more)
                    self.assertEqual((status, "warning" in d), (0, warned), args)
                    status, _, err = run(*args, *more)
                    self.assertEqual((status, "warning: " in err), (0, warned), err)
        self.assertIn("every agent needs swift_conf", run(*online)[2])

    def test_import_sends_the_secret_escaped(self):
        self.on("PUT", "/v1/rings/gold/import", (201, {**CHANGE, "ring": "gold"}))
        self.assertEqual(self.doc("ring", "import-swift", GZ, "--name", "gold", "--swift-conf",
                                  CONF, "--wait", "none")[0], 0)
        self.assertTrue(self.server.seen[-1][1].endswith(
            "/import?prefix=pre-Golden1&suffix=suf-golden1"))
        self.assertEqual(self.server.seen[-1][3], Path(GZ).read_bytes())

    def test_tables_for_people_and_for_tools(self):
        self.on("GET", "/v1/convergence", (200, {"rings": [convergence(False)]}))
        self.on("GET", "/v1/clusters", (200, {"clusters": [
            {"cluster": n, "state": s, "reason": r, "self": n == "a"}
            for n, s, r in (("a", "ACTIVE", ""), ("b", "ACTIVE", ""), ("c", "INACTIVE", "silent"))]}))
        status, out, _ = run("--server", self.url, "matrix")
        self.assertEqual(status, 0)
        self.assertIn("INACTIVE silent", out)
        self.assertIn("✓", out)
        status, out, _ = run("--server", self.url, "matrix", env={"LC_ALL": "C"})
        self.assertTrue(out.isascii())
        status, out, err = run("--server", self.url, "matrix", "--plain", "--no-header")
        self.assertEqual([len(line.split("\t")) for line in out.splitlines()], [3, 3, 3, 3])
        self.assertEqual(err, "")
        status, d = self.doc("matrix")
        self.assertEqual((len(d["clusters"]), len(d["rings"])), (3, 1))

    def test_colour_only_when_asked_or_on_a_terminal(self):
        self.on("GET", "/v1/status", (200, {"verdict": "ok", "clusters": {}}))
        self.assertNotIn("\033", run("--server", self.url, "status")[1])
        self.assertIn("\033", run("--server", self.url, "status", "--color", "always",
                                  env={"NO_COLOR": "1"})[1])


if __name__ == "__main__":
    unittest.main()
