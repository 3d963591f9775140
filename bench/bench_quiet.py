#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What clusters say to one another in one delta_t in which nothing changes.

    bench/bench_quiet.py [--build build] [--json] [--quick] [--full] [--clusters 10,50,200]

Real agents on a private RabbitMQ, each system in a virtual host of its own; rings of
2^10 x 3 on 20 devices, which all clusters hold from the start. The figures are the
broker's: two queues of our own are bound to the exchange for about one delta_t (the
figures are for exactly one), one with the keys ring and ring.*, one with talk and
talk.*, and are asked for their messages and bytes of body. Each message goes to all other clusters, or to one.
`wire` is what the broker's sockets took and gave meanwhile (rabbitmqctl
list_connections), for one delta_t: frames, headers, acknowledgements and heartbeats too.
"""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pika  # Debian's python3-pika

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "live"))

import servers  # noqa: E402
import world as live  # noqa: E402

SETTLE = 20.0  # P52: who starts asks for the last time 10 to 15 s after it
PATIENCE = 300.0
BATCH = 40  # started at once: a broker takes its time over new queues
BOTH = ("digest", "full")
# Those of a group run at the same time: clusters, rings, delta_t, mode.
GROUPS = [[(10, m, 10, mode) for m in (10, 100) for mode in BOTH],
          *[[(50, m, 20, mode) for mode in BOTH] for m in (10, 100)],
          *[[(200, 100, 30, mode)] for mode in BOTH]]
FULL = [[(200, 10, 30, mode)] for mode in BOTH]


def spec(number):
    return {"partition_power": 10, "replicas": 3,
            "devices": [{"name": f"d{i}", "region": f"r{i % 5}", "zone": f"z{i % 10}",
                         "weight": 100 + (i * number) % 37} for i in range(20)]}


def make_rings(folder, counts):
    """A cluster's data folder with so many rings, for each of the counts."""
    made = {}
    with live.new_world() as world:
        first = world.start("seed", alone=True)
        for number in range(max(counts)):
            assert first.create(f"r{number}", spec(number)).status == 201
            if number + 1 in counts:
                made[number + 1] = folder / str(number + 1)
                shutil.copytree(first.data, made[number + 1])
                for name in ("cluster.id", ".lock", "rings/.lock", "clusters"):
                    (made[number + 1] / name).unlink(missing_ok=True)
    return made


def make_vhosts(broker, names):
    """In one go: a call of rabbitmqctl takes seconds."""
    path = broker.folder / "definitions.json"
    may = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
    path.write_text(json.dumps({"vhosts": [{"name": name} for name in names],
                                "permissions": [{**may, "vhost": name} for name in names]}))
    broker.ctl("import_definitions", str(path))


class System:
    def __init__(self, broker, world, rings, count, mode, delta_t):
        self.count, self.mode, self.delta_t = count, mode, delta_t
        self.rings = int(rings.name)
        self.vhost = f"n{count}-m{self.rings}-{mode}"
        flags = {"announce-interval": delta_t, "inactive-after": 6 * delta_t, "announce": mode,
                 "bus": broker.url + self.vhost}
        self.clusters = [world.cluster(f"{self.vhost}-{i}", **flags) for i in range(count)]
        for cluster in self.clusters:
            # Ring files are never written in place: all clusters may have the same.
            subprocess.run(["cp", "-al", str(rings), str(cluster.data)], check=True)
        self.connection = None

    def start(self):
        for first in range(0, self.count, BATCH):
            batch = self.clusters[first:first + BATCH]
            for cluster in batch:
                cluster.start(ready=False)
            for cluster in batch:
                live.until(lambda: cluster.says(" event=bus-up "), f"{cluster.name} is connected",
                           cluster, deadline=PATIENCE)

    def wait(self):
        for cluster in self.clusters:
            live.until(cluster.alive, "started", cluster, deadline=PATIENCE)
        first = self.clusters[0]
        end = time.monotonic() + PATIENCE
        while not self.agreed(first):
            assert time.monotonic() < end, f"not all are known and equal\n{first.tail()}"
            time.sleep(1)  # the answer is long and costs the agent something

    def agreed(self, cluster):
        known = cluster.get("/v1/clusters").json["clusters"]
        return (len(known) == self.count and
                all(one["rings_equal"] == self.rings for one in known))

    def listen(self, port):
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", port, self.vhost, heartbeat=0))
        channel = self.connection.channel()
        for queue in ("ring", "talk"):
            channel.queue_declare(queue)
        for queue in ("ring", "talk"):
            channel.queue_bind(queue, "mcos", f"{queue}.#")
        self.channel, self.since = channel, time.monotonic()

    def stop_listening(self):
        for queue in ("ring", "talk"):
            self.channel.queue_unbind(queue, "mcos", f"{queue}.#")
        self.part = self.delta_t / (time.monotonic() - self.since)

    def figures(self, broker):
        rows = (line.split("\t") for line in broker.ctl(
            "list_queues", "-p", self.vhost, "name", "messages", "message_bytes").splitlines())
        found = {row[0]: (int(row[1]) * self.part, int(row[2]) * self.part)
                 for row in rows if row[0] in ("ring", "talk")}
        self.connection.close()
        return found


def octets(broker):
    """Bytes that came in and went out, by virtual host."""
    sums = {}
    for line in broker.ctl("list_connections", "vhost", "recv_oct", "send_oct").splitlines():
        vhost, came, went = line.split("\t")
        if came.isdigit() and went.isdigit():
            before = sums.get(vhost, (0, 0))
            sums[vhost] = (before[0] + int(came), before[1] + int(went))
    return sums, time.monotonic()


def memory_mb(cluster):
    text = pathlib.Path(f"/proc/{cluster.process.pid}/smaps_rollup").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("Pss:")).split()[1]) / 1e3


def measure(group, rings, build):
    rows = []
    with servers.rabbit() as broker, live.new_world() as world:
        systems = [System(broker, world, rings[m], n, mode, delta_t)
                   for n, m, delta_t, mode in group]
        make_vhosts(broker, [system.vhost for system in systems])
        began = time.monotonic()
        for system in systems:
            system.start()
        for system in systems:
            system.wait()
        started = time.monotonic() - began
        time.sleep(SETTLE)
        [delta_t] = {system.delta_t for system in systems}
        before, at = octets(broker)
        for system in systems:
            system.listen(broker.port)
        time.sleep(delta_t)
        for system in systems:
            system.stop_listening()
        after, end = octets(broker)
        for system in systems:
            found = system.figures(broker)
            part = delta_t / (end - at)
            wire = [(b - a) * part for a, b in zip(before[system.vhost], after[system.vhost])]
            row = {"clusters": system.count, "rings": system.rings, "mode": system.mode,
                   "delta_t": delta_t, "bodies": found["ring"][0], "body_bytes": found["ring"][1],
                   "talk": found["talk"][0], "talk_bytes": found["talk"][1],
                   "wire_in": wire[0], "wire_out": wire[1], "start_s": started,
                   "agent_mb": memory_mb(system.clusters[-1])}
            rows.append(row)
            show(row)
    return rows


def show(row):
    print(f"{row['clusters']:8}{row['rings']:7}  {row['mode']:8}{row['delta_t']:5} s"
          f"{row['talk']:8.0f}{row['talk_bytes'] / 1e3:10.1f}{row['bodies']:9.0f}"
          f"{row['body_bytes'] / 1e3:10.1f}{row['wire_in'] / 1e3:12.0f}"
          f"{row['wire_out'] / 1e3:10.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="10 clusters only")
    parser.add_argument("--full", action="store_true", help="200 clusters with 10 rings too")
    parser.add_argument("--clusters", default="10,50,200")
    args = parser.parse_args()
    live.MCOSD = args.build / "src" / "app" / "mcosd"
    counts = {10} if args.quick else {int(n) for n in args.clusters.split(",")}
    groups = [group for group in GROUPS + (FULL if args.full else [])
              if group[0][0] in counts]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    print("                                  published in one delta_t           the broker's sockets")
    print("clusters  rings  mode    delta_t    talk   KB body   bodies   KB body"
          "       KB in    KB out", flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="mcos-quiet-", dir=tempfile.gettempdir()) as folder:
        rings = make_rings(pathlib.Path(folder), {m for group in groups for _, m, _, _ in group})
        for group in groups:
            rows += measure(group, rings, args.build)
    print(f"an agent's share of memory (PSS): {min(r['agent_mb'] for r in rows):.1f} to "
          f"{max(r['agent_mb'] for r in rows):.1f} MB; "
          f"{max(r['clusters'] for r in rows)} agents were up and agreed after "
          f"{max(r['start_s'] for r in rows):.0f} s")
    if args.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
