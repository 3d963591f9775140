# SPDX-License-Identifier: Apache-2.0
"""The bus over a real RabbitMQ, a private one, and what can befall it.

A test named row_N is row N of the catalogue of faults (section "Network and
broker"). The outside world is Debian's python3-pika: it shares no code with us.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import pytest

from brokers import RETURN, channel, consumers, queues_of, up, vhost
from proxy import Proxy
from servers import rabbit
from world import BUILD, new_world, run_mcosd, spec, until

pika = pytest.importorskip("pika")
CONTRACT = BUILD / "test" / "contract" / "contract_bus_amqp"


@pytest.fixture(scope="module")
def certificates():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mcos-tls-"))
    make_certificates(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def broker(certificates):
    with rabbit(tls=certificates, plugins=["rabbitmq_auth_mechanism_ssl"],
                settings=["auth_mechanisms.1 = PLAIN", "auth_mechanisms.2 = AMQPLAIN",
                          "auth_mechanisms.3 = EXTERNAL",
                          "ssl_cert_login_from = common_name"]) as node:
        yield node


@pytest.fixture
def world(broker):
    with new_world(broker.url) as made:
        yield made
    if broker.process is None:
        broker.start()


def make_certificates(folder):
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for ca in ("ca", "stranger"):
        openssl("req", "-x509", *key, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key",
                "-out", f"{ca}.pem")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for who in ("server", "client"):
        openssl("req", *key, "-subj", f"/CN={who}", "-keyout", f"{who}.key", "-out", f"{who}.csr")
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{who}.pem")


def test_the_contract_of_the_port_is_kept(broker):
    done = subprocess.run([str(CONTRACT)], env={**os.environ, "MCOS_AMQP_URL": broker.url},
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["digest", "full"])
def test_row_16_a_newcomer_and_a_returner_get_every_ring(world, mode):
    c1, c2 = world.start("c1", "c2", announce=mode)
    made = c1.create("photos", spec())
    assert made.status == 201, made.body
    assert made.json["durable"] and made.json["distributed"]
    first = made.json["stamp"]
    world.agree("photos", first)
    c3 = world.start("c3", announce=mode)
    world.agree("photos", first, [c3])
    c2.kill()
    second = c3.update("photos", spec(weights=(1, 2, 3, 4))).json["stamp"]
    world.agree("photos", second, [c1, c3])
    c2.start()
    world.agree("photos", second)
    assert len({(c.data / "rings" / "photos.ring").read_bytes()
                for c in world.clusters.values()}) == 1


def test_any_consumer_reads_name_version_and_timestamp(broker, world):
    c1 = world.start("c1")
    up(c1)
    with channel(broker) as ch:
        queue = ch.queue_declare("", exclusive=True).method.queue
        ch.queue_bind(queue, "mcos", "ring")
        answer = c1.create("photos", spec())
        stamp = answer.json["stamp"]
        until(lambda: ch.queue_declare(queue, passive=True).method.message_count > 0,
              "the record is in a stranger's queue", c1)
        method, properties, body = ch.basic_get(queue, auto_ack=True)
    assert method.routing_key == "ring" and body[:4] == b"MCOM"
    assert properties.delivery_mode == 2
    assert properties.content_type == "application/x-mcos"
    headers = properties.headers
    assert (headers["ring_name"], headers["version"]) == ("photos", 1)
    assert abs(headers["timestamp"] / 1e9 - time.time()) < 60
    assert headers["from"] == "c1" and queues_of(c1)[0].endswith(headers["from_uid"][:8])
    assert isinstance(headers["sequence"], int)
    assert stamp.startswith("v1.")


def test_row_01_connection_reset_in_the_middle_of_a_publish(broker):
    with Proxy(broker.port, reset_after=60000) as proxy, \
            new_world(broker.url) as world:
        c2 = world.start("c2")
        c1 = world.start("c1", bus=broker.url.replace(str(broker.port), str(proxy.port)))
        up(c1, c2)
        # Packed still far larger than what the proxy lets through.
        made = c1.create("photos", spec(part_power=16))
        assert made.status == 201 and made.json["durable"], made.body
        world.agree("photos", made.json["stamp"])
        assert proxy.resets == 1
        until(lambda: c1.get("/v1/status").json["undistributed"] == 0, "it is confirmed", c1)


def test_row_06_broker_killed_during_publish(broker, world):
    c1, c2 = world.start("c1", "c2")
    up(c1, c2)
    stamps = {}
    for i in range(12):
        answer = c1.create(f"ring{i}", spec(part_power=8))
        assert answer.status == 201, answer.body
        stamps[f"ring{i}"] = answer.json["stamp"]
        if i == 5:
            broker.kill()
    broker.start()
    for ring, stamp in stamps.items():
        world.agree(ring, stamp, deadline=RETURN)


def test_row_07_broker_away_then_back(broker, world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    broker.stop()
    until(lambda: c1.says("event=bus-down"), "c1 notices", c1)
    until(lambda: c1.says("event=bus-trouble", "127.0.0.1"), "c1 says why", c1)
    changed = c1.update("photos", spec(weights=(5, 4, 3, 2, 1)))
    assert changed.status == 200 and changed.json["durable"]
    assert not changed.json["distributed"]
    assert c2.lookup("photos", "a")
    broker.start()
    world.agree("photos", changed.json["stamp"], deadline=RETURN)
    assert not c1.says("guest:guest") and not c1.says("event=bus-fresh")


def test_row_08_broker_wiped(broker, world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    broker.wipe()
    broker.start()
    for cluster in (c1, c2):
        until(lambda: cluster.says("event=bus-fresh"), "the queues are made anew", cluster,
              deadline=RETURN)
    changed = c2.update("photos", spec(weights=(5, 4, 3, 2, 1)))
    world.agree("photos", changed.json["stamp"])


def test_row_09_queue_deleted_by_an_operator(broker, world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    for queue in queues_of(c2):
        assert consumers(broker, queue) == 1
        with channel(broker) as ch:
            ch.queue_delete(queue)
        until(lambda: consumers(broker, queue) == 1, f"{queue} is there again", c2,
              deadline=5)
    changed = c1.update("photos", spec(weights=(5, 4, 3, 2, 1)))
    world.agree("photos", changed.json["stamp"])


def test_row_09_exchange_deleted_by_an_operator(broker, world):
    c1, c2 = world.start("c1", "c2")
    up(c1, c2)
    with channel(broker) as ch:
        ch.exchange_delete("mcos")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)


def test_row_10_exchange_with_other_arguments(broker):
    with vhost(broker, "taken") as url, channel(broker, "taken") as ch, \
            new_world(url) as world:
        ch.exchange_declare("mcos", "fanout", durable=False)
        c1 = world.start("c1", alone=True)
        until(lambda: c1.says("level=error", "event=bus-trouble", "PRECONDITION_FAILED",
                              "exchange 'mcos'"), "c1 says what is wrong", c1)
        # The rest of the agent works, and nothing that was not ours is touched.
        made = c1.create("photos", spec())
        assert made.status == 201 and not made.json["distributed"]
        assert c1.lookup("photos", "a")
        ch.exchange_declare("mcos", "fanout", durable=False)
        ch.exchange_delete("mcos")
        up(c1, deadline=RETURN)
        assert len(c1.says("event=bus-trouble")) <= 2, "on change, not per attempt"


def test_row_11_letters_that_no_queue_takes_are_noticed(broker):
    """Alone in a vhost, so that nobody else's queue takes them."""
    with vhost(broker, "alone") as url, new_world(url) as world:
        c1 = world.start("c1")
        up(c1)
        _, talk = queues_of(c1)
        with channel(broker, "alone") as ch:
            ch.queue_unbind(talk, "mcos", "talk")
        until(lambda: c1.says("event=no-listener"), "c1 notices that its words fall flat", c1)
        until(lambda: len(c1.says("event=bus-up")) >= 2, "c1 binds its queue again", c1)
        until(lambda: c1.get("/readyz").status == 200, "c1 hears itself", c1)


def test_row_11_bindings_that_an_operator_took_come_back(broker, world):
    """Others take the letters, so nothing comes back that could tell."""
    c1, c2 = world.start("c1", "c2")
    up(c1, c2)
    with channel(broker) as ch:
        for queue, key in zip(queues_of(c2), ("ring", "talk")):
            ch.queue_unbind(queue, "mcos", key)
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)


def test_row_12_memory_alarm(broker, world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    try:
        broker.ctl("set_vm_memory_high_watermark", "absolute", "1MB")
        until(lambda: c1.says("event=bus-blocked"), "c1 is told that there is no room", c1)
        until(lambda: c2.says("event=bus-blocked"), "so is c2", c2)
        changed = c1.update("photos", spec(weights=(5, 4, 3, 2, 1)))
        assert changed.status == 200 and changed.json["durable"]
        assert not changed.json["distributed"]
        status = c1.get("/v1/status").json
        assert (status["bus"], status["undistributed"]) == ("down", 1)
        # Consuming goes on: its connection is another one. What our queue held
        # before, or a broker of the cluster that has room brings, is taken.
        assert consumers(broker, queues_of(c1)[0]) == 1
        assert len(c1.says("event=bus-down")) == 1, "no letter costs the connection"
    finally:
        broker.ctl("set_vm_memory_high_watermark", "absolute", "2GB")
    until(lambda: c1.says("event=bus-unblocked"), "there is room again", c1)
    world.agree("photos", changed.json["stamp"])


def test_row_20_what_is_no_letter_is_dropped(broker, world):
    c1, c2 = world.start("c1", "c2")
    up(c1, c2)
    with channel(broker) as ch:
        for key in ("ring", "talk", "ring.c1", "talk.c2"):
            for body in (b"", b"\0" * 100, b"MCOM" + b"\xff" * 70000):
                ch.basic_publish("mcos", key, body)
                ch.basic_publish("mcos", key, body, pika.BasicProperties(headers={
                    "from": 7, "from_uid": "x" * 32, "sequence": "many", "ring_name": "../x",
                    "version": None, "timestamp": {"a": [1, 2]}}))
        # Straight into the queue: a key that is not one of the bus.
        ch.basic_publish("", queues_of(c1)[0], b"hello")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    until(lambda: c1.says("event=bad-delivery"), "it is counted", c1)
    for queue in (*queues_of(c1), *queues_of(c2)):
        with channel(broker) as ch:
            until(lambda: ch.queue_declare(queue, passive=True).method.message_count == 0,
                  f"nothing is stuck in {queue}", c1)


def test_several_brokers_one_of_them_away(broker):
    url = broker.url.replace("@", "@127.0.0.1:1,localhost:2,")
    with new_world(url) as world:
        c1, c2 = world.start("c1", "c2")
        stamp = c1.create("photos", spec()).json["stamp"]
        world.agree("photos", stamp)


def test_row_19_larger_than_the_broker_takes(broker):
    """The broker closes the channel over it; the smaller ones still go through."""
    broker.ctl("eval", "application:set_env(rabbit, max_message_size, 65536).")
    try:
        with new_world(broker.url) as world:
            c1, c2 = world.start("c1", "c2")
            up(c1, c2)
            big = c1.create("big", spec(part_power=16))
            assert big.status == 201 and big.json["durable"]
            until(lambda: c1.says("event=bus-trouble", "PRECONDITION_FAILED", "65536"),
                  "c1 says why", c1)
            # From now on it is known, and named.
            again = c1.create("big2", spec(part_power=16))
            assert again.status == 413 and again.json["code"] == "too-large", again.body
            assert "at most 65536" in again.body.decode() and c1.stamp("big2") is None
            small = c1.create("small", spec()).json["stamp"]
            world.agree("small", small, deadline=RETURN)
            assert c2.stamp("big") is None
            time.sleep(3)
            assert len(c1.says("event=bus-down")) == 1, "it is not tried again and again"
            # Who is told the limit never makes what nobody else could get.
            c3 = world.start("c3", bus=broker.url + "?max_message_size=65536")
            big = c3.create("big3", spec(part_power=16))
            assert big.status == 413 and "at most 65536" in big.body.decode(), big.body
            plan = c3.ask("POST", "/v1/rings/big3/plan", json.dumps(spec(part_power=16)))
            assert plan.status == 413 and plan.json["detail"] == big.json["detail"], plan.body
            plan = c3.ask("POST", "/v1/rings/small/plan", json.dumps(spec(replicas=2)))
            assert plan.status == 200 and plan.json["version"] == 1, plan.body
            assert c3.stamp("big3") is None and not c3.says("event=bus-down")
            world.agree("small", c3.update("small", spec(replicas=2)).json["stamp"])
    finally:
        broker.ctl("eval", "application:set_env(rabbit, max_message_size, 134217728).")


def test_row_77_tls_with_certificates_and_not_without(broker, certificates):
    url = f"amqps://guest:guest@localhost:{broker.tls_port}/"
    good = {"bus-ca": certificates / "ca.pem", "bus-cert": certificates / "client.pem",
            "bus-key": certificates / "client.key"}
    with new_world(url) as world:
        c1, c2 = world.start("c1", "c2", **good)
        stamp = c1.create("photos", spec()).json["stamp"]
        world.agree("photos", stamp)
        strange = world.start("c3", **{**good, "bus-ca": certificates / "stranger.pem"})
        bare = world.start("c4", **{"bus-ca": certificates / "ca.pem"})
        other = world.start("c5", **{**good, "bus": url.replace("localhost", "127.0.0.1")})
        for cluster in (strange, bare, other):
            until(lambda: cluster.says("event=bus-trouble"), f"{cluster.name} is refused",
                  cluster)
            assert not cluster.says("event=bus-up")


def test_row_77_the_certificate_is_the_login(broker, certificates):
    """Its common name is the user; without that user nobody gets in."""
    good = {"bus-ca": certificates / "ca.pem", "bus-cert": certificates / "client.pem",
            "bus-key": certificates / "client.key"}
    url = f"amqps://localhost:{broker.tls_port}/?auth=external"
    with new_world(url) as world:
        c1 = world.start("c1", **good)
        until(lambda: c1.says("event=bus-trouble", "level=error"), "c1 is refused", c1)
        assert not c1.says("event=bus-up")
        broker.ctl("add_user", "client", "not-known-to-anybody")
        try:
            broker.ctl("set_permissions", "client", *[r"^mcos(\..*)?$"] * 3)
            c2 = world.start("c2", **good)
            up(c1, c2, deadline=RETURN)
            stamp = c1.create("photos", spec()).json["stamp"]
            world.agree("photos", stamp)
            bare = run_mcosd("--cluster", "c3", "--data", world.folder / "c3", "--bus", url,
                             "--bus-ca", certificates / "ca.pem")
            assert bare.returncode == 2 and "bus_cert" in bare.stderr, bare.stderr
        finally:
            broker.ctl("delete_user", "client")
