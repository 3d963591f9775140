# SPDX-License-Identifier: Apache-2.0
"""Three RabbitMQ nodes that are one broker, and one of them is lost."""
from brokers import RETURN, consumers, queues_of, up
from servers import rabbits
from world import new_world, spec, until


def homes(node):
    """The name of the node that each queue lies on."""
    lines = node.ctl("list_queues", "--silent", "name", "pid").splitlines()
    return {name: pid.strip("<").split("@")[0] for name, pid in map(str.split, lines)}


def test_a_node_of_three_is_lost_and_returns():
    with rabbits("r1", "r2", "r3", cluster=True) as nodes, \
            new_world("amqp://" + ",".join(f"127.0.0.1:{n.port}" for n in nodes)) as world:
        c1, c2, c3 = clusters = world.start("c1", "c2", "c3")
        stamp = c1.create("photos", spec()).json["stamp"]
        world.agree("photos", stamp)
        where = homes(nodes[0])
        records = queues_of(c1)[0]
        lost = next(n for n in nodes if n.name == where[records])
        left = next(n for n in nodes if n is not lost)
        hit = [c for c in clusters if where[queues_of(c)[0]] == lost.name]

        lost.kill()
        # Whose queue lay there gets a spare one and has its rings as before.
        for cluster in hit:
            until(lambda: cluster.says("event=bus-spare"), f"{cluster.name} helps itself",
                  cluster, deadline=RETURN)
        for i, cluster in enumerate((c2, c1)):
            made = cluster.update("photos", spec(weights=(i + 1, 2, 3, 4)))
            assert made.status == 200, made.body
            world.agree("photos", made.json["stamp"], deadline=RETURN)
        until(lambda: all(c.get("/v1/status").json["undistributed"] == 0 for c in clusters),
              "everything is confirmed", *clusters)
        for cluster in clusters:
            spare = queues_of(cluster)[0] + ".spare"
            assert consumers(left, spare) == (1 if cluster in hit else None)
            assert bool(cluster.says("event=bus-spare")) == (cluster in hit)

        lost.start()
        for cluster in hit:
            until(lambda: cluster.says("event=bus-home"), f"{cluster.name} goes home",
                  cluster, deadline=RETURN)
        up(*clusters)
        made = c3.update("photos", spec(weights=(9, 2, 3, 4)))
        world.agree("photos", made.json["stamp"])
        for cluster in clusters:
            queue = queues_of(cluster)[0]
            until(lambda: consumers(left, queue) == 1, f"{queue} is in use", cluster)
            assert consumers(left, queue + ".spare") is None
        assert homes(left)[records] == lost.name, "it is the old one, not one made anew"
