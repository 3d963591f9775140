# SPDX-License-Identifier: Apache-2.0
"""The story the project was started for, with real processes.

At t an administrator asks one cluster for a ring while others are down; at
t + delta_t a new cluster joins; one that was down returns; then an update.
Each is told in both modes of announcing.
"""
import pytest

from world import spec, until


@pytest.mark.parametrize("mode", ["digest", "full"])
def test_everybody_gets_the_ring_whoever_was_away(world, mode):
    c1, c2, c3, c4 = world.start("c1", "c2", "c3", "c4", announce=mode)
    c4.kill()
    made = c1.create("photos", spec())
    assert made.status == 201, made.body
    first = made.json["stamp"]
    assert made.json["durable"] and made.json["distributed"]
    world.agree("photos", first, [c1, c2, c3])

    c5 = world.start("c5", announce=mode)
    world.agree("photos", first, [c5])
    c4.start()
    world.agree("photos", first, [c4])

    c2.kill()
    changed = c3.update("photos", spec(weights=(100, 100, 100, 200, 50, 70)))
    assert changed.status == 200, changed.body
    second = changed.json["stamp"]
    assert second.startswith("v2.")
    world.agree("photos", second, [c1, c3, c4, c5])
    c2.start()
    world.agree("photos", second)

    answers = {tuple(c.lookup("photos", "AUTH_a", "c", "o")) for c in world.clusters.values()}
    assert len(answers) == 1
    files = {(c.data / "rings" / "photos.ring").read_bytes() for c in world.clusters.values()}
    assert len(files) == 1


def test_a_join_does_not_wait_for_delta_t(world):
    """delta_t is an hour here: only the conversation can bring the ring."""
    slow = {"announce-interval": 3600, "inactive-after": 7200}
    c1 = world.start("c1", alone=True, **slow)
    stamp = c1.create("photos", spec()).json["stamp"]
    c2 = world.start("c2", **slow)
    world.agree("photos", stamp, [c2])
    c2.kill()
    stamp = c1.update("photos", spec(weights=(1, 2, 3, 4))).json["stamp"]
    c2.start()
    world.agree("photos", stamp, [c2])


def test_a_deleted_ring_stays_deleted_with_those_who_return(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    c2.kill()
    gone = c1.delete("photos")
    assert gone.status == 200, gone.body
    c2.start()
    world.agree("photos", gone.json["stamp"])
    answer = c2.get("/v1/rings/photos/lookup?account=a")
    assert answer.status == 404 and answer.json["code"] == "deleted"
    again = c2.create("photos", spec())
    assert again.status == 201 and again.json["version"] == 3
    world.agree("photos", again.json["stamp"])


def test_membership_tells_silent_from_left(world):
    c1, c2, c3 = world.start("c1", "c2", "c3")

    def state(name):
        for cluster in c1.get("/v1/clusters").json["clusters"]:
            if cluster["cluster"] == name:
                return cluster["state"], cluster["reason"]
        return None

    until(lambda: state("c2") == ("ACTIVE", "") and state("c3") == ("ACTIVE", ""),
          "all are ACTIVE", c1)
    assert c2.stop() == 0
    until(lambda: state("c2") == ("INACTIVE", "left"), "c2 has left", c1)
    c3.kill()
    until(lambda: state("c3") == ("INACTIVE", "silent"), "c3 is silent", c1)
    c3.start()
    until(lambda: state("c3") == ("ACTIVE", ""), "c3 is back", c1)
    # A newcomer learns of those that are not there.
    c4 = world.start("c4")
    until(lambda: any(c["cluster"] == "c2" and c["state"] == "INACTIVE"
                      for c in c4.get("/v1/clusters").json["clusters"]),
          "c4 knows of c2", c4)


def test_convergence_names_who_is_behind_and_by_how_much(world):
    c1, c2 = world.start("c1", "c2")
    stamp = c1.create("photos", spec()).json["stamp"]
    world.agree("photos", stamp)
    until(lambda: c1.get("/v1/rings/photos/convergence").json["state"] == "converged",
          "c1 knows that c2 has it", c1)
    c2.kill()
    until(lambda: c1.get("/v1/clusters").json["clusters"][1]["state"] == "INACTIVE",
          "c2 is silent", c1)
    c1.update("photos", spec(weights=(100, 100, 100, 200, 400)))
    answer = c1.get("/v1/rings/photos/convergence").json
    row = next(c for c in answer["clusters"] if c["cluster"] == "c2")
    assert answer["inactive_pending"] == ["c2"]
    assert (row["relation"], row["has"], row["version"]) == ("behind", False, 1)
    assert 0.05 < row["divergence"] < 0.6
