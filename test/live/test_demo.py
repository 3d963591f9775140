# SPDX-License-Identifier: Apache-2.0
"""
The demo is the promise of the README, so it is run as a user runs it: real
processes, real files. It must keep its promises in time, leave nothing behind,
and say so when a promise is not kept; the last is shown with agents that are
none.
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MCOS_BUILD", ROOT / "build"))
MCOS = BUILD / "src/app/mcos"


def processes(folder):
    """Pids whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="d", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
        self.env = {**os.environ, "TMPDIR": self.tmp, "LC_ALL": "C.UTF-8"}

    def start(self, *args, mcos=MCOS):
        # Under nohup the signal of a closed terminal would be passed on as ignored.
        return subprocess.Popen([str(mcos), "demo", *args], env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE,
                                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))

    def nothing_left(self):
        self.assertEqual(processes(self.tmp), [])
        self.assertEqual(list(Path(self.tmp).glob("mcos-demo-*")), [])

    def test_every_promise_is_kept_within_30_s_and_nothing_is_left(self):
        started = time.monotonic()
        p = self.start("--json")
        out, err = p.communicate(timeout=90)
        doc = json.loads(out)
        self.assertEqual((p.returncode, doc["kept"]), (0, True),
                         ([x for x in doc["promises"] if not x["kept"]], err[-2000:]))
        self.assertLess(time.monotonic() - started, 30)
        self.assertGreaterEqual(len(doc["promises"]), 12)
        self.assertEqual(sum(e["kind"] == "matrix" for e in doc["timeline"]), 6)
        self.nothing_left()

    def test_ctrl_c_and_a_closed_terminal_end_what_it_started(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGHUP, 129)):
            p = self.start()
            until = time.monotonic() + 20
            while len(processes(self.tmp)) < 4 and time.monotonic() < until:
                time.sleep(0.05)
            p.send_signal(number)
            p.communicate(timeout=20)
            self.assertEqual(p.returncode, status)
            self.nothing_left()

    def test_a_killed_demo_takes_its_agents_with_it(self):
        p = self.start()
        until = time.monotonic() + 20
        while len(processes(self.tmp)) < 4 and time.monotonic() < until:
            time.sleep(0.05)
        p.kill()
        p.communicate(timeout=20)
        until = time.monotonic() + 5
        while processes(self.tmp) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(processes(self.tmp), [])

    def test_kept_clusters_run_on_and_can_be_ended_as_told(self):
        p = self.start("--keep", "--json")
        out, _ = p.communicate(timeout=90)
        doc = json.loads(out)
        pids = [c["pid"] for c in doc["clusters"]]
        try:
            self.assertEqual(p.returncode, 0)
            self.assertEqual(sorted(processes(self.tmp)), sorted(pids))
            done = subprocess.run([str(MCOS), "--server", doc["clusters"][1]["server"], "matrix",
                                   "--json"], capture_output=True, timeout=30)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(len(json.loads(done.stdout)["rings"]), 2)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + 10
        while processes(self.tmp) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertEqual(processes(self.tmp), [])

    def test_a_promise_not_kept_is_exit_1_and_named(self):
        place = Path(self.tmp) / "bin"
        place.mkdir()
        for name in ("mcos", "mcos-demo"):
            shutil.copy2(MCOS.parent / name, place)
        (place / "mcosd").write_text("#!/bin/sh\necho not today\nexit 1\n")
        (place / "mcosd").chmod(0o755)
        p = self.start(mcos=place / "mcos")
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 1)
        self.assertIn("NOT KEPT", out.decode())
        self.assertIn(b"not today", err)
        self.nothing_left()

    def test_without_what_it_needs_it_says_what_to_do(self):
        place = Path(self.tmp) / "bin"
        place.mkdir()
        for present, lacks in (("mcos", "mcos-demo"), ("mcos-demo", "mcosd")):
            shutil.copy2(MCOS.parent / present, place)
            p = self.start("--json", mcos=place / "mcos")
            out, _ = p.communicate(timeout=60)
            error = json.loads(out)["error"]
            self.assertEqual((p.returncode, error["code"]), (3, "not-found"))
            self.assertIn(str(place / lacks), error["detail"])


if __name__ == "__main__":
    unittest.main()
