#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Figures of the module, beside plain Redis commands in the same run.

    bench/bench_redis.py

Server time is what the server itself counted (INFO commandstats); round trips
are not in it. Look-ups are sent in pipelines of 100, next to GET of an answer of
the same number of bytes.
"""
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "live"))

from redis_server import Records, servers  # noqa: E402
from world import BUILD  # noqa: E402

POWER = 16
BATCH = 100
KEY = "mcos:ring:r"


def server_us(client, command, calls, run):
    """The best of ten rounds: on a shared machine the others are noise."""
    best = float("inf")
    for _ in range(10):
        client.config_resetstat()
        for _ in range(calls // 10):
            run()
        stats = client.info("commandstats")[f"cmdstat_{command}"]
        assert stats["calls"] == calls // 10
        best = min(best, stats["usec_per_call"])
    return best


def pipelined(server, *command):
    """Commands per second, as redis-benchmark sees them: the best of some runs."""
    best = 0.0
    for _ in range(5):
        out = subprocess.run(["redis-benchmark", "-s", str(server.socket), "-c", "1",
                              "-P", str(BATCH), "-n", "200000", "--csv", *command],
                             check=True, capture_output=True, text=True).stdout
        best = max(best, float(out.splitlines()[-1].split('","')[1]))
    return best


def answer_bytes(client, *command):
    import socket
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(client.connection_pool.connection_kwargs["path"])
        s.sendall(b"".join([b"*%d\r\n" % len(command)] +
                           [b"$%d\r\n%s\r\n" % (len(c.encode()), c.encode())
                            for c in command]))
        time.sleep(0.05)
        return len(s.recv(65536))


def build_ring(folder, power):
    """A ring of 100 devices and 3 replicas, by our own builder."""
    import json
    spec = {"partition_power": power, "replicas": 3,
            "devices": [{"name": f"d{i}", "region": f"r{i % 2}", "zone": f"z{i % 5}",
                         "host": f"h{i % 20}", "weight": 100} for i in range(100)]}
    path = pathlib.Path(folder) / "spec.json"
    path.write_text(json.dumps(spec))
    out = pathlib.Path(folder) / "big.ring"
    subprocess.run([str(BUILD / "src" / "app" / "mcos"), "ring", "build", "--spec",
                    str(path), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return out.read_bytes()


def main():
    records = Records(POWER)
    with servers() as make:
        server = make().start()
        client = server.client()
        stamp = lambda key: client.execute_command("RING.STAMP", key)  # noqa: E731
        big = build_ring(server.folder, POWER)
        print(f"2^{POWER}, {len(big)} bytes, 100 devices, 3 replicas; microseconds")

        def added():
            client.delete("big")
            client.execute_command("RING.MERGE", "big", big)

        def replaced():
            client.set(KEY, records.r_1)
            client.execute_command("RING.MERGE", KEY, records.r_2a)

        print(f"  RING.MERGE, added                server {server_us(client, 'ring.merge', 50, added):8.1f}")
        print(f"  RING.MERGE, replaced ({len(records.r_1) >> 10} KB)    server {server_us(client, 'ring.merge', 50, replaced):8.1f}")
        merge = lambda: client.execute_command("RING.MERGE", "big", big)  # noqa: E731
        print(f"  RING.MERGE, same                 server {server_us(client, 'ring.merge', 50, merge):8.1f}")
        client.execute_command("RING.MERGE", "one", records.r_1)
        old = stamp("one")
        ask = lambda: client.execute_command("RING.MERGE", KEY, "IFNEWER", old)  # noqa: E731
        print(f"  RING.MERGE IFNEWER, older        server {server_us(client, 'ring.merge', 500, ask):8.1f}")
        put = lambda: client.set("plain", big)  # noqa: E731
        print(f"  SET of the same bytes            server {server_us(client, 'set', 50, put):8.1f}")
        command = ("RING.LOOKUP", "big", "AUTH_test", "container", "object")
        size = answer_bytes(client, *command)
        client.set("plain", "x" * (size - 7))
        assert answer_bytes(client, "GET", "plain") == size
        lookup = server_us(client, "ring.lookup", 2000,
                           lambda: client.execute_command(*command))
        get = server_us(client, "get", 2000, lambda: client.get("plain"))
        print(f"  RING.LOOKUP                      server {lookup:8.2f}   GET of {size} bytes {get:.2f}")
        for names in (1, 100, 1000):
            many = ("RING.MLOOKUP", "big", names, *(word for i in range(names) for word in
                                                    (f"AUTH_{i}", "container", f"object-{i}")))
            each = server_us(client, "ring.mlookup", 200,
                             lambda: client.execute_command(*many)) / names  # noqa: B023
            print(f"  RING.MLOOKUP of {names:<4}             server {each:8.3f}   each name")
        a, b = pipelined(server, *command), pipelined(server, "GET", "plain")
        print(f"  RING.LOOKUP, pipelined      per second {a:9.0f}   GET {b:.0f}   "
              f"ratio {a / b:.2f}")


if __name__ == "__main__":
    main()
