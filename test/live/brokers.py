# SPDX-License-Identifier: Apache-2.0
"""Looking into a RabbitMQ from outside, with Debian's python3-pika."""
import contextlib

import pytest

from world import DEADLINE, until

pika = pytest.importorskip("pika")
# Who finds no broker tries again after a random time that grows with the outage.
RETURN = 120.0


@contextlib.contextmanager
def channel(broker, vhost="/"):
    made = pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", broker.port, vhost, heartbeat=0))
    try:
        yield made.channel()
    finally:
        with contextlib.suppress(pika.exceptions.AMQPError):
            made.close()


@contextlib.contextmanager
def vhost(broker, name):
    broker.ctl("add_vhost", name)
    broker.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    try:
        yield broker.url + name
    finally:
        broker.ctl("delete_vhost", name)


def queues_of(cluster):
    """As in docs/operate.md: mcos.NAME.UID8 and the same with .talk."""
    words = (cluster.data / "cluster.id").read_text().split()
    uid = next(word for word in words if len(word) == 32)
    name = f"mcos.{cluster.name}.{uid[:8]}"
    return name, f"{name}.talk"


def consumers(broker, queue):
    """How many consume from it; None: there is no such queue."""
    with channel(broker) as ch:
        try:
            return ch.queue_declare(queue, passive=True).method.consumer_count
        except pika.exceptions.ChannelClosedByBroker:
            return None


def ready(broker, queue):
    """How many letters wait in it, those not counted that a consumer has."""
    with channel(broker) as ch:
        return ch.queue_declare(queue, passive=True).method.message_count


def up(*clusters, deadline=DEADLINE):
    for cluster in clusters:
        until(lambda: cluster.says("event=bus-up"), f"{cluster.name} is connected", cluster,
              deadline=deadline)
