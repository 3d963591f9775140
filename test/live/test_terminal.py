# SPDX-License-Identifier: Apache-2.0
"""
What is redrawn in place on a terminal stays in place: however narrow the terminal,
each line that is drawn is one row, so that going up as many rows as there were
lines comes to the first of them. Seen on a real pseudo-terminal, with an agent
that is a stand-in whose clusters never catch up.
"""
import fcntl
import http.server
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading

from world import MCOS, ROOT

STAMP = "v1.91d0aa02"
NAMES = [f"a-cluster-with-a-long-name-{i:02}" for i in range(12)]


class Agent(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        doc = {"ring": "photos", "stamp": STAMP, "version": 1, "durable": True,
               "distributed": True}
        if self.path.endswith("/convergence"):
            doc.update(state="converging", active={"have": 1, "of": len(NAMES)}, clusters=[
                {"cluster": n, "state": "ACTIVE", "has": False, "stamp": ""} for n in NAMES])
        data = json.dumps(doc).encode()
        self.send_response(201 if self.command == "PUT" else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = answer

    def log_message(self, *args):
        pass


def watch(rows, columns):
    """What `ring create` draws on a terminal of that size."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    p = subprocess.Popen(
        [MCOS, "--server", f"http://127.0.0.1:{server.server_port}", "ring", "create", "photos",
         "-f", ROOT / "examples/objects.json", "--wait-timeout", "600ms"],
        stdout=subprocess.DEVNULL, stderr=slave, env={**os.environ, "TERM": "xterm",
                                                      "LC_ALL": "C.UTF-8"})
    os.close(slave)
    seen = b""
    try:
        while chunk := os.read(master, 65536):
            seen += chunk
    except OSError:  # the other side is closed
        pass
    assert p.wait(timeout=30) == 5
    os.close(master)
    server.shutdown()
    server.server_close()
    return seen.decode()


def test_what_is_drawn_fits_the_terminal_and_is_drawn_over():
    for rows, columns in ((24, 80), (24, 30), (8, 30), (50, 200)):
        frames = re.split(r"\x1b\[(\d+)A\x1b\[J", watch(rows, columns))
        assert len(frames) >= 5, frames
        for frame, up in zip(frames[0::2], frames[1::2]):
            lines = re.sub(r"\x1b\[[0-9;]*m", "", frame).split("\r\n")
            assert lines.pop() == ""
            assert int(up) == len(lines) < rows
            assert all(len(line) < columns for line in lines), lines
            assert re.match("waiting for: (a-|12 clusters)", lines[-1]), lines
        if columns == 200:
            assert re.search(r"and \d+ more\.  Ctrl-C leaves this running\.", frames[0])
