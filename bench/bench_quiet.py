#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What clusters say to one another in one delta_t in which nothing changes.

    bench/bench_quiet.py [--build build] [--json] [--quick] [--full] [--clusters 10,50,200]
                         [--rings 10,100] [--modes digest,full]

Real agents on a private RabbitMQ, each system in a virtual host of its own; rings of
2^10 x 3 on 20 devices, which all clusters hold from the start. The figures are the
broker's: two queues of our own are bound to the exchange for about one delta_t (the
figures are for exactly one), one with the keys ring and ring.*, one with talk and
talk.*, and are asked for their messages and bytes of body. Each message goes to all other clusters, or to one.
`wire` is what the broker's sockets took and gave meanwhile (rabbitmqctl
list_connections), for one delta_t: frames, headers, acknowledgements and heartbeats too.
On standard error stands every 10 s how far the agents are, and at what cost of CPU.
"""
import argparse
import contextlib
import json
import os
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
PATIENCE, PATIENCE_EACH = 120.0, 6.0  # and so much for each cluster of a group
TELL = 10.0
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


def cpu_s(pid):
    """Seconds of CPU that a process took."""
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


class Progress:
    """Waits with one deadline for all that a group has to do, and says how far it is."""

    def __init__(self, broker, systems):
        self.pid = int(broker.pid_file.read_text())
        self.systems = systems
        self.began = self.told = time.monotonic()
        self.idle = cpu_s(self.pid)
        self.limit = PATIENCE + PATIENCE_EACH * sum(system.count for system in systems)

    def seconds(self):
        return time.monotonic() - self.began

    def cpu(self):
        """Of the broker and of all agents."""
        return (cpu_s(self.pid) - self.idle,
                sum(cpu_s(one.process.pid) for system in self.systems
                    for one in system.clusters if one.process is not None))

    def until(self, question, system):
        while not question():
            for one in system.clusters:
                assert one.process is None or one.process.poll() is None, one.tail()
            if time.monotonic() - self.told >= TELL:
                self.tell(system)
            assert self.seconds() < self.limit, f"not within {self.limit:.0f} s: {system.state()}"
            time.sleep(0.25)

    def tell(self, system):
        self.told = time.monotonic()
        broker, agents = self.cpu()
        print(f"{self.seconds():6.0f} s  {system.vhost}: {system.state()}; CPU: broker "
              f"{broker:.0f} s, agents {agents:.0f} s", file=sys.stderr, flush=True)


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
        self.up = set()
        self.known = 0

    def state(self):
        return f"{len(self.up)} of {self.count} logged in, {self.known} seen to hold all"

    def start(self, progress):
        for first in range(0, self.count, BATCH):
            batch = self.clusters[first:first + BATCH]
            for cluster in batch:
                cluster.start(ready=False)
            progress.until(lambda: self.logged_in(batch), self)

    def logged_in(self, batch):
        self.up |= {one.name for one in batch
                    if one.name not in self.up and one.says(" event=bus-up ")}
        return all(one.name in self.up for one in batch)

    def wait(self, progress):
        first = self.clusters[0]
        progress.until(first.alive, self)
        progress.until(lambda: self.agreed(first), self)

    def agreed(self, cluster):
        time.sleep(1)  # the answer is long and costs the agent something
        clusters = cluster.get("/v1/clusters").json["clusters"]
        self.known = sum(one["rings_equal"] == self.rings for one in clusters)
        return len(clusters) == self.known == self.count

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
    # Its own 10 s for a login are too short when two hundred come at once.
    with servers.rabbit(settings=["handshake_timeout = 60000"]) as broker, \
            live.new_world() as world:
        systems = [System(broker, world, rings[m], n, mode, delta_t)
                   for n, m, delta_t, mode in group]
        make_vhosts(broker, [system.vhost for system in systems])
        progress = Progress(broker, systems)
        for system in systems:
            system.start(progress)
        login = progress.seconds()
        for system in systems:
            system.wait(progress)
        started = progress.seconds()
        for system in systems:
            progress.tell(system)
        start_cpu = progress.cpu()
        time.sleep(SETTLE)
        [delta_t] = {system.delta_t for system in systems}
        before, at = octets(broker)
        quiet_cpu = progress.cpu()
        for system in systems:
            system.listen(broker.port)
        time.sleep(delta_t)
        for system in systems:
            system.stop_listening()
        quiet_cpu = [b - a for a, b in zip(quiet_cpu, progress.cpu())]
        after, end = octets(broker)
        for system in systems:
            found = system.figures(broker)
            part = delta_t / (end - at)
            wire = [(b - a) * part for a, b in zip(before[system.vhost], after[system.vhost])]
            row = {"clusters": system.count, "rings": system.rings, "mode": system.mode,
                   "delta_t": delta_t, "bodies": found["ring"][0], "body_bytes": found["ring"][1],
                   "talk": found["talk"][0], "talk_bytes": found["talk"][1],
                   "wire_in": wire[0], "wire_out": wire[1], "login_s": login, "start_s": started,
                   "start_cpu": start_cpu, "quiet_cpu": quiet_cpu,
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
    parser.add_argument("--rings", default="10,100")
    parser.add_argument("--modes", default=",".join(BOTH))
    args = parser.parse_args()
    live.MCOSD = args.build / "src" / "app" / "mcosd"
    counts = {10} if args.quick else {int(n) for n in args.clusters.split(",")}
    sizes = {int(m) for m in args.rings.split(",")}
    groups = [[row for row in group if row[0] in counts and row[1] in sizes and
               row[3] in args.modes.split(",")] for group in GROUPS + (FULL if args.full else [])]
    groups = [group for group in groups if group]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    print("                                  published in one delta_t           the broker's sockets")
    print("clusters  rings  mode    delta_t    talk   KB body   bodies   KB body"
          "       KB in    KB out", flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="mcos-quiet-", dir=tempfile.gettempdir()) as folder:
        rings = make_rings(pathlib.Path(folder), {m for group in groups for _, m, _, _ in group})
        for group in groups:
            rows += measure(group, rings, args.build)
    last = max(rows, key=lambda row: (row["clusters"], row["start_s"]))
    print(f"an agent's share of memory (PSS): {min(r['agent_mb'] for r in rows):.1f} to "
          f"{max(r['agent_mb'] for r in rows):.1f} MB; "
          f"of the largest group all had logged in after {last['login_s']:.0f} s and agreed after "
          f"{last['start_s']:.0f} s, which took {last['start_cpu'][0]:.0f} s of the broker's CPU and "
          f"{last['start_cpu'][1]:.0f} s of the agents'; a quiet delta_t took "
          f"{last['quiet_cpu'][0]:.1f} and {last['quiet_cpu'][1]:.1f} s")
    if args.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
