#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mcos-resolver beside an echo server and nginx, same run, same client.

    bench/bench_service.py [--build build] [--seconds 1] [--runs 5] [--threads 1] [--json]

One ring, 2^20 x 3 on 1000 devices, hashed with xxh3. Batches of look-ups as bytes (names of
32 bytes) over one kept connection and over two, through a unix socket and through TCP on
loopback, beside an echo server that reads as many bytes and writes as many as HTTP moves
for that batch. Single look-ups over 16 kept connections beside nginx (nginx-light: sendfile,
no log) that serves the same document from a file. All have the same number of threads or
workers. Turns of a second, the best counts; the CPU time is the server's own.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
MIX = 0x9e3779b97f4a7c15
HERTZ = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def make_ring(mcos, folder):
    """An agent's folder with one ring, made without an agent."""
    devices = [{"name": f"d{r}-{z}-{h}-{d}", "region": f"r{r}", "zone": f"z{z}",
                "host": f"h{r}-{z}-{h}", "port": 6200, "device": f"sd{d}", "weight": 100}
               for r in range(4) for z in range(5) for h in range(10) for d in range(5)]
    (folder / "spec.json").write_text(json.dumps({
        "partition_power": 20, "replicas": 3, "overload": 0, "min_move_seconds": 0,
        "hash": "xxh3", "devices": devices}))
    (folder / "data" / "rings").mkdir(parents=True)
    subprocess.run([mcos, "ring", "build", "--spec", "spec.json", "--out", "bench.ring",
                    "--name", "bench"], cwd=folder, check=True, capture_output=True)
    (folder / "bench.ring").rename(folder / "data" / "rings" / "bench.ring")


def batch(count):
    names = [(b"AUTH_%03x" % (i * MIX % 4096), b"box-%02d" % (i % 97),
              b"img-%08d.jpg" % (i * MIX % 10**8)) for i in range(count)]
    text = b"".join(b"/".join(name) for name in names)
    body = struct.pack("<4sIII", b"MCQ1", count, 0, len(text)) + \
        b"".join(struct.pack("<3H", *map(len, name)) for name in names) + text
    return (b"POST /v1/rings/bench/lookup HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/vnd.mcos.lookup\r\nContent-Length: %d\r\n\r\n" % len(body)) + body


SINGLE = (b"GET /v1/rings/bench/lookup?account=AUTH_me&container=cats&object=1.jpg HTTP/1.1\r\n"
          b"Host: localhost\r\n\r\n")


def cpu(pids):
    """Seconds of processor time that these processes had."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / HERTZ


class Bench:
    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        self.tool = pathlib.Path(args.build) / "bench" / "bench-service"
        self.app = pathlib.Path(args.build) / "src" / "app"
        self.stack = contextlib.ExitStack()

    def start(self, words, **more):
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, **more)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def wait(self, where):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
            with contextlib.suppress(OSError), socket.socket(family) as one:
                one.connect(where if isinstance(where, str) else ("127.0.0.1", where))
                return
            time.sleep(0.02)
        sys.exit(f"{where} does not listen")

    def resolver(self):
        self.unix = str(self.folder / "r.sock")
        self.port = free_port()
        process = self.start([self.app / "mcos-resolver", "--source", f"file:{self.folder}/data", "--ring", "bench",
                              "--unix", self.unix, "--listen", f"127.0.0.1:{self.port}", "--threads",
                              self.args.threads], stderr=subprocess.DEVNULL)
        self.wait(self.unix)
        return [process.pid]

    def nginx(self, document):
        folder = self.folder / "nginx"
        (folder / "www").mkdir(parents=True)
        (folder / "www" / "lookup").write_bytes(document)
        folder.chmod(0o755)
        port = free_port()
        (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes {self.args.threads}; pid {folder}/pid; error_log {folder}/error.log;
{"user root;" if os.geteuid() == 0 else ""}
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; }} }}
""")
        process = self.start(["nginx", "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        self.wait(port)
        until = time.monotonic() + 5
        workers = []
        while len(workers) < self.args.threads and time.monotonic() < until:
            workers = [int(p) for p in pathlib.Path(
                f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        return workers, port

    def measure(self, pids, *words):
        """(requests in a second, seconds of the server's processor for one, bytes of the answer)."""
        before = cpu(pids)
        said = subprocess.run([str(self.tool), *map(str, words)], check=True, capture_output=True, text=True)
        done, seconds, size = said.stdout.split()
        return int(done) / float(seconds), (cpu(pids) - before) / max(int(done), 1), int(size)

    def best(self, rows):
        """The best of several turns that take turns."""
        rates = {name: (0.0, 1e9, 0) for name in rows}
        for _ in range(self.args.runs):
            for name, (pids, *words) in rows.items():
                rate, per, size = self.measure(pids, *words, self.args.seconds)
                rates[name] = (max(rates[name][0], rate), min(rates[name][1], per), size)
        return rates


def batches(b, pids, count, connections):
    request = b.folder / f"batch-{count}"
    request.write_bytes(batch(count))
    figures = {}
    for kind, where in (("unix", f"unix:{b.unix}"), ("tcp", str(b.port))):
        _, _, size = b.measure(pids, "ask", where, request, 1, 0.05)
        other = f"unix:{b.folder}/echo-{count}-{connections}" if kind == "unix" else str(free_port())
        echo = b.start([b.tool, "echo", other, request.stat().st_size, size, connections],
                       stdout=subprocess.PIPE)
        echo.stdout.readline()
        got = b.best({"ours": (pids, "ask", where, request, connections),
                      "echo": ([echo.pid], "move", other, request.stat().st_size, size, connections)})
        echo.terminate()
        figures[kind] = {
            "names_per_second": got["ours"][0] * count, "echo_names_per_second": got["echo"][0] * count,
            "ratio": got["ours"][0] / got["echo"][0], "bytes_in": request.stat().st_size, "bytes_out": size,
            "cpu_ns_per_name": got["ours"][1] / count * 1e9, "echo_cpu_ns_per_name": got["echo"][1] / count * 1e9}
    return figures


def singles(b, pids, connections):
    request = b.folder / "single"
    request.write_bytes(SINGLE)
    with socket.create_connection(("127.0.0.1", b.port)) as one:
        one.sendall(SINGLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        document = one.makefile("rb").read().split(b"\r\n\r\n", 1)[1]
    workers, port = b.nginx(document)
    static = b.folder / "static"
    static.write_bytes(b"GET /lookup HTTP/1.1\r\nHost: localhost\r\n\r\n")
    got = b.best({"ours": (pids, "ask", b.port, request, connections),
                  "unix": (pids, "ask", f"unix:{b.unix}", request, connections),
                  "nginx": (workers, "ask", port, static, connections)})
    return {"requests_per_second": got["ours"][0], "unix_requests_per_second": got["unix"][0],
            "nginx_requests_per_second": got["nginx"][0], "ratio": got["ours"][0] / got["nginx"][0],
            "cpu_us": got["ours"][1] * 1e6, "unix_cpu_us": got["unix"][1] * 1e6,
            "nginx_cpu_us": got["nginx"][1] * 1e6,
            "cpu_ratio": got["nginx"][1] / got["ours"][1], "bytes": len(document)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.runs, args.seconds = 3, 0.4
    if shutil.which("nginx") is None:
        sys.exit("nginx is not installed (Debian package nginx-light)")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mcos-bench-"))
    bench = Bench(args, folder)
    figures = {}
    try:
        make_ring(str(bench.app / "mcos"), folder)
        pids = bench.resolver()
        for count in (1000, 10000):
            figures[f"batch of {count}"] = batches(bench, pids, count, args.threads)
        figures["single"] = singles(bench, pids, 16)
    finally:
        bench.stack.close()
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        print(json.dumps(figures))
        return
    print(f"{args.threads} thread(s); best of {args.runs} turns of {args.seconds} s")
    for name, kinds in figures.items():
        if name == "single":
            print(f"single, 16 connections, {kinds['bytes']} bytes: {kinds['requests_per_second']:.0f}/s "
                  f"({kinds['cpu_us']:.1f} us of CPU), nginx {kinds['nginx_requests_per_second']:.0f}/s "
                  f"({kinds['nginx_cpu_us']:.1f} us): {kinds['ratio']:.2f} of its rate, "
                  f"{kinds['cpu_ratio']:.2f} by CPU; unix socket {kinds['unix_requests_per_second']:.0f}/s "
                  f"({kinds['unix_cpu_us']:.1f} us)")
            continue
        for kind, f in kinds.items():
            print(f"{name}, {kind}: {f['names_per_second'] / 1e6:.1f} million names/s "
                  f"({f['cpu_ns_per_name']:.0f} ns of CPU each), echo of {f['bytes_in']} and {f['bytes_out']} bytes "
                  f"{f['echo_names_per_second'] / 1e6:.1f} ({f['echo_cpu_ns_per_name']:.0f} ns): "
                  f"{f['ratio']:.2f} of its rate")


if __name__ == "__main__":
    main()
