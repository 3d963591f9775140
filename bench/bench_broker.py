#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Agents over RabbitMQ, beside plain consumers of the same bytes in the same run.

    bench/bench_broker.py [--build build] [--json] [--quick] [--clusters 10,50]
                          [--powers 12,16,20] [--runs 5]

A private RabbitMQ, rings of 2^P partitions x 3 on 20 devices; wall milliseconds, the
median and the best of the runs. Beside "create" stand, each from its publish to the
last of as many consumers as there are clusters (bench/fanout.c says how):

    bare     the packed record received, and confirmed by the broker
    write    received, SHA-256 of it, written durably
    unpack   received, unpacked, SHA-256 of its sections, written durably: what an
             agent must do, and no more

    create   from just before the PUT until the last cluster holds it durably and in
             force (its own log says when)
    stored   the same from the moment the origin holds it: without the build
    known    from just before the PUT until the origin knows that all hold it

Who writes durably keeps what was written, consumers as agents, until the rounds of a row
are over: a file that is removed leaves its memory to the next one, and memory that nobody
had before costs a virtual machine several times what copying into it does.

etcd 3.4 (put, watch; fsync on) and Redis (PUBLISH; nothing kept) carry the same bytes
to as many clients where they can: etcd's limit is 1.5 MiB.

    join     a new cluster with an empty disk: from its connection to its ring
    return   one that was killed and missed an update, from its connection to its ring
    anew     the same when its queue is gone too

CPU is of all agents or consumers together, without the broker's.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import pika  # Debian's python3-pika

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test" / "live"))

import servers  # noqa: E402
import world as live  # noqa: E402

DEVICES = 20
DELTA_T = 10
PATIENCE = 120.0
PAUSE = 0.2  # lets acknowledgements settle, as rings come rarely
READ_BACK = 5.0  # an agent reads back what it wrote, by then: not in the next turn
WAYS = ("bare", "write", "unpack")
TS = re.compile(r"ts=(\S+)Z ")


def spec(part_power, note=""):
    return {"partition_power": part_power, "replicas": 3, "note": note,
            "devices": [{"name": f"d{i}", "region": f"r{i % 5}", "zone": f"z{i % 10}",
                         "weight": 100 + i} for i in range(DEVICES)]}


def cell(values):
    return {"median": statistics.median(values), "best": min(values), "all": values}


# ---- plain consumers and peers ----

def build_ring(build, folder, part_power):
    """The same ring as a file, for those who have no agent."""
    text, out = folder / "spec.json", folder / f"{part_power}.ring"
    text.write_text(json.dumps(spec(part_power)))
    subprocess.run([str(build / "src" / "app" / "mcos"), "ring", "build", "--spec", str(text),
                    "--out", str(out), "--name", "bench"], check=True, capture_output=True)
    return out


class Fanout:
    """Plain consumers (bench/fanout.c); one round each time it is asked."""

    def __init__(self, build, engine, address, ring, count):
        self.folder = tempfile.mkdtemp(prefix="mcos-fanout-")
        self.process = subprocess.Popen(
            [str(build / "bench" / "bench-fanout"), engine, address, str(ring), str(count),
             self.folder], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def round(self, way):
        self.process.stdin.write(f"{way}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def redis_server():
    with tempfile.TemporaryDirectory(prefix="mcos-redis-") as folder:
        path = f"{folder}/redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir",
                   folder]
        with ended(subprocess.Popen(command, stdout=subprocess.DEVNULL)):
            live.until(lambda: os.path.exists(path), "redis-server listens")
            yield path


class Etcd:
    """One etcd on loopback and watchers of one key, Debian's etcdctl each."""

    LIMIT = 1536 * 1024  # its own: a request is at most 1.5 MiB

    def __init__(self, folder):
        import grpc  # Debian's python3-grpcio
        self.port, peer = servers.free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        peer = f"http://127.0.0.1:{peer}"
        self.process = subprocess.Popen(
            ["etcd", "--data-dir", f"{folder}/etcd", "--listen-client-urls", self.url,
             "--advertise-client-urls", self.url, "--listen-peer-urls", peer,
             "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
             "--log-level", "error"],
            env={**os.environ, "ETCD_UNSUPPORTED_ARCH": ""}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        grpc.channel_ready_future(channel).result(30)
        # A PutRequest is its two fields: 1 the key, 2 the value, as bytes.
        self.call = channel.unary_unary("/etcdserverpb.KV/Put", request_serializer=bytes,
                                        response_deserializer=bytes)

    def put(self, value):
        size, length = len(value), b""
        while size > 127:
            length, size = length + bytes([size & 127 | 128]), size >> 7
        self.call(b"\x0a\x01k\x12" + length + bytes([size]) + value)

    def end(self):
        self.process.kill()
        self.process.wait()


def read_all(watchers, at_least):
    """Until each watcher has printed so many bytes more."""
    left = {watcher.stdout: at_least for watcher in watchers}
    end = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        for pipe in left:
            selector.register(pipe, selectors.EVENT_READ)
        while left:
            assert time.monotonic() < end, "an etcd watcher did not get all"
            for key, _ in selector.select(1):
                left[key.fileobj] -= len(os.read(key.fd, 1 << 20))
                if left[key.fileobj] <= 0:
                    selector.unregister(key.fileobj)
                    del left[key.fileobj]


def etcd_watch(size, count, runs):
    """Milliseconds from put to the last of the watchers; None: it does not carry it."""
    if size > Etcd.LIMIT - 1024 or shutil.which("etcd") is None:
        return None
    with tempfile.TemporaryDirectory(prefix="mcos-etcd-") as folder, contextlib.ExitStack() as on:
        etcd = Etcd(folder)
        on.callback(etcd.end)
        watchers = [on.enter_context(ended(subprocess.Popen(
            ["etcdctl", "--endpoints", etcd.url, "watch", "k"], stdout=subprocess.PIPE,
            env={**os.environ, "ETCDCTL_API": "3"}))) for _ in range(count)]
        # Each is there once it has seen a first value: put until all have.
        for watcher in watchers:
            os.set_blocking(watcher.stdout.fileno(), False)
        waiting = set(watchers)
        end = time.monotonic() + PATIENCE
        while waiting:
            assert time.monotonic() < end, "etcd watchers do not come up"
            etcd.put(b"x")
            time.sleep(0.2)
            waiting -= {w for w in waiting if os_read(w.stdout)}
        time.sleep(0.5)
        for watcher in watchers:
            os_read(watcher.stdout)
            os.set_blocking(watcher.stdout.fileno(), True)
        took = []
        for run in range(runs + 1):
            began = time.monotonic()
            etcd.put(os.urandom(size))
            read_all(watchers, len(b"PUT\nk\n\n") + size)
            if run > 0:  # as the others, not the first one
                took.append((time.monotonic() - began) * 1e3)
            time.sleep(PAUSE)
    return took


def os_read(pipe):
    """What is there, of a pipe that does not block."""
    got = b""
    with contextlib.suppress(BlockingIOError):
        while more := os.read(pipe.fileno(), 1 << 20):
            got += more
    return got


# ---- agents ----

def said_ns(cluster, ring, events=("added", "replaced", "minted"), after=0):
    """When its log said that it holds the ring, ns since 1970; None: not yet."""
    with open(cluster.log, "rb") as log:
        log.seek(after)
        text = log.read().decode(errors="replace")
    for line in text.splitlines(keepends=True):
        if (line.endswith("\n") and f" ring={ring} " in line.replace("\n", " \n") and
                any(f" event={event} " in line for event in events)):
            return stamp_ns(line)
    return None


def stamp_ns(line):
    when = datetime.datetime.fromisoformat(TS.search(line).group(1) + "+00:00")
    return int(when.timestamp()) * 10**9 + when.microsecond * 1000


def log_end(cluster):
    return cluster.log.stat().st_size if cluster.log.exists() else 0


def cpu_ns(cluster):
    """Of all its threads that live, by the scheduler's own count."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{cluster.process.pid}/task").iterdir())


def wait_files(clusters, ring):
    """Until each has a file; one at a time, for looking costs the CPU that is measured."""
    end = time.monotonic() + PATIENCE
    for cluster in clusters:
        path = str(cluster.data / "rings" / f"{ring}.ring")
        while not os.path.exists(path):
            assert time.monotonic() < end, f"{cluster.name} did not get {ring}"
            time.sleep(0.005)


def one_create(clusters, ring, part_power):
    origin = clusters[0]
    body = json.dumps(spec(part_power))
    ends = {c.name: log_end(c) for c in clusters}
    before = sum(cpu_ns(c) for c in clusters)
    began = time.time_ns()
    made = origin.ask("PUT", f"/v1/rings/{ring}", body, {"If-None-Match": "*"}, timeout=PATIENCE)
    answered = time.time_ns()
    assert made.status == 201, made.body
    wait_files(clusters, ring)
    spent = sum(cpu_ns(c) for c in clusters) - before
    held = {}
    for cluster in clusters:
        live.until(lambda: said_ns(cluster, ring, after=ends[cluster.name]),
                   f"{cluster.name} says that it has {ring}", cluster)
        held[cluster.name] = said_ns(cluster, ring, after=ends[cluster.name])
    path = f"/v1/rings/{ring}/convergence"
    end = time.monotonic() + PATIENCE
    while origin.get(path).json["active"]["have"] < len(clusters):
        assert time.monotonic() < end, "the origin does not get to know it"
        time.sleep(0.02)
    known = time.time_ns()
    stored = held[origin.name]
    last = max(held.values())
    return {"create": (last - began) / 1e6, "stored": (last - stored) / 1e6,
            "build": (stored - began) / 1e6, "answer": (answered - began) / 1e6,
            "known": (known - began) / 1e6, "cpu": spent / 1e6}


@contextlib.contextmanager
def agents(broker, count, **flags):
    """`count` clusters that know one another."""
    with live.new_world(broker.url) as world:
        flags = {"announce-interval": DELTA_T, "inactive-after": 6 * DELTA_T, **flags}
        clusters = [world.cluster(f"c{i}", **flags) for i in range(count)]
        for cluster in clusters:
            cluster.start(ready=False)
        for cluster in clusters:
            live.until(cluster.alive, "started", cluster, deadline=PATIENCE)
        for cluster in clusters:
            live.until(lambda: len(cluster.get("/v1/clusters").json["clusters"]) == count,
                       "all are known", cluster, deadline=PATIENCE)
        yield world, clusters
        forget_queues(broker, world)


def forget_queues(broker, world):
    """The next world's clusters have the same names and other queues."""
    for cluster in world.clusters.values():
        if cluster.process is not None and cluster.process.poll() is None:
            cluster.kill()
    delete_queues(broker, world.clusters.values())


def delete_queues(broker, clusters):
    """As docs/operate.md names them: rabbitmqctl would take seconds for each."""
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port))
    channel = connection.channel()
    for cluster in clusters:
        uid = next(word for word in (cluster.data / "cluster.id").read_text().split()
                   if len(word) == 32)
        for end in ("", ".talk"):
            channel.queue_delete(f"mcos.{cluster.name}.{uid[:8]}{end}")
    connection.close()


def turns(broker, build, ring, clusters, part_power, runs):
    """Plain consumers and agents take turns, so that both meet the same machine."""
    rounds = []
    with Fanout(build, "rabbit", f"127.0.0.1:{broker.port}", ring, len(clusters)) as plain:
        for run in range(runs + 1):
            one = {}
            for way in WAYS:
                one[way] = plain.round(way)
                time.sleep(PAUSE)
            one["ours"] = one_create(clusters, f"p{part_power}-{run}", part_power)
            time.sleep(READ_BACK)
            rounds.append(one)
    return rounds[1:]  # the first one warms up all that warms up


def peers_of(build, ring, size, count, runs):
    with redis_server() as path, Fanout(build, "redis", path, ring, count) as plain:
        took = []
        for _ in range(runs + 1):
            took.append(plain.round("bare")["last"])
            time.sleep(PAUSE)
    etcd = etcd_watch(size, count, runs)
    return {"redis": cell(took[1:]), "etcd": cell(etcd) if etcd else None}


def measure_creates(build, broker, counts, powers, runs, peers):
    rows = []
    with tempfile.TemporaryDirectory(prefix="mcos-rings-") as folder:
        for count in counts:
            with agents(broker, count) as (_, clusters):
                for p in powers:
                    ring = build_ring(build, pathlib.Path(folder), p)
                    rounds = turns(broker, build, ring, clusters, p, runs)
                    size = rounds[0]["bare"]["bytes"]
                    row = {"clusters": count, "part_power": p, "bytes": size,
                           "peers": peers_of(build, ring, size, count, runs) if peers else {}}
                    for who in (*WAYS, "ours"):
                        row[who] = {key: cell([one[who][key] for one in rounds])
                                    for key in rounds[0][who]}
                    for way in ("write", "unpack"):
                        row[f"stored/{way}"] = cell([one["ours"]["stored"] / one[way]["last"]
                                                     for one in rounds])
                    rows.append(row)
                    show_create(row)
    return rows


def pair(one):
    return "-".rjust(15) if one is None else f"{one['median']:8.1f} ({one['best']:.1f})".rjust(15)


def show_create(row):
    ours = row["ours"]
    title = f"{row['clusters']} clusters, 2^{row['part_power']}, {row['bytes'] / 1e3:.0f} KB packed"
    print(f"{title:42}ms median (best)    CPU ms")
    for way in WAYS:
        print(f"    {way:34}{pair(row[way]['last'])}{row[way]['cpu']['median']:12.1f}"
              f"    confirmed {row[way]['confirm']['median']:.1f}")
    for name, one in row["peers"].items():
        print(f"    {name:34}{pair(one)}")
    print(f"    {'create: from the PUT':34}{pair(ours['create'])}"
          f"{ours['cpu']['median']:12.1f}")
    print(f"    {'        from stored at the origin':34}{pair(ours['stored'])}"
          f"    / write {ratio(row['stored/write'])}    / unpack {ratio(row['stored/unpack'])}")
    print(f"    {'        the origin knows it':34}{pair(ours['known'])}", flush=True)


def ratio(one):
    return f"{one['median']:.2f} ({one['best']:.2f})"


# ---- who returns, who joins ----

def since_up(cluster, ring, start):
    """Milliseconds from its connection to its ring, both as its log says; and from its start."""
    after = log_end(cluster)
    began = time.time_ns()
    start()
    live.until(lambda: said_ns(cluster, ring, after=after), f"{cluster.name} gets {ring}", cluster,
               deadline=PATIENCE)
    held = said_ns(cluster, ring, after=after)
    with open(cluster.log, "rb") as log:
        log.seek(after)
        up = next(stamp_ns(line.decode()) for line in log if b" event=bus-up " in line)
    return {"connected": (held - up) / 1e6, "started": (held - began) / 1e6}


def measure_returns(broker, delta_t, count, part_power, runs):
    flags = {"announce-interval": delta_t, "inactive-after": 6 * delta_t}
    got = {"join": [], "return": [], "anew": []}
    with agents(broker, count, **flags) as (world, clusters):
        origin, last = clusters[0], clusters[-1]
        assert origin.create("r", spec(part_power)).status == 201
        wait_files(clusters, "r")
        for run in range(runs):
            joiner = world.cluster(f"j{run}", **flags)
            got["join"].append(since_up(joiner, "r", lambda: joiner.start(ready=False)))
            for how in ("return", "anew"):
                last.kill()
                if how == "anew":
                    delete_queues(broker, [last])
                assert origin.update("r", spec(part_power, f"{how} {run}")).status == 200
                got[how].append(since_up(last, "r", lambda: last.start(ready=False)))
            joiner.stop()
            world.clusters.pop(joiner.name)
            live.until(last.alive, "back", last)
    row = {"delta_t": delta_t, "clusters": count, "part_power": part_power,
           **{how: {key: cell([one[key] for one in all_]) for key in all_[0]}
              for how, all_ in got.items()}}
    print(f"delta_t {delta_t} s, {count} clusters, 2^{part_power}"
          "    from the connection: median (worst)    from the start")
    for how, name in (("join", "joins with an empty disk"), ("return", "returns"),
                      ("anew", "returns, its queue gone")):
        one = row[how]
        print(f"    {name:30}{one['connected']['median']:12.0f} "
              f"({max(one['connected']['all']):.0f}){one['started']['median']:25.0f} "
              f"({max(one['started']['all']):.0f})", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="10 clusters, two sizes, no peers")
    parser.add_argument("--clusters", default="10,50")
    parser.add_argument("--powers", default="12,16,20")
    parser.add_argument("--runs", default=5, type=int)
    parser.add_argument("--only", choices=("create", "return"))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    if args.quick:
        args.clusters, args.powers, args.runs = "10", "12,16", 3
    live.MCOSD = args.build / "src" / "app" / "mcosd"
    counts = [int(n) for n in args.clusters.split(",")]
    powers = [int(n) for n in args.powers.split(",")]
    rows = {}
    with servers.rabbit() as broker:
        if args.only != "return":
            rows["create"] = measure_creates(args.build, broker, counts, powers, args.runs,
                                             not args.quick)
        if args.only != "create":
            rows["return"] = [measure_returns(broker, delta_t, 10, 16, args.runs)
                              for delta_t in ((10,) if args.quick else (10, 60))]
    if args.json:
        print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
