# SPDX-License-Identifier: Apache-2.0
"""mcosd with a registry in Redis: the catalogue's rows about the registry, live.

The agent's files are the truth. So whatever is done to Redis (killed, wiped,
rolled back, filled with junk, stopped, made read-only, started without the
module) changes go on being accepted, and once Redis is well again it holds what
the files hold.
"""
import os
import shutil
import subprocess
import time

import pytest
import redis

from redis_server import Records, servers
from world import BUILD, ROOT, mcos, spec, until

KEY = "mcos:ring:photos"


@pytest.fixture(scope="module")
def records():
    return Records()


@pytest.fixture
def make():
    with servers() as made:
        yield made


@pytest.fixture
def server(make):
    return make().start()


@pytest.fixture
def agent(world, server):
    return world.start("c1", store=server.url, alone=True)


def registered(server, key=KEY):
    """The stamp in Redis as the API writes it, or why there is none."""
    try:
        full = server.client().execute_command("RING.STAMP", key).decode()
    except redis.RedisError as error:
        return str(error)
    epoch, version, _, digest = full.split(".")
    return (f"{epoch}." if epoch != "e0" else "") + f"{version}.{digest[:8]}"


def agrees(server, agent, stamp, key=KEY):
    until(lambda: registered(server, key) == stamp, f"Redis holds {stamp}", agent)


def says(agent, text):
    until(lambda: text in agent.log.read_text(), f"the log says {text}", agent)


def create(agent):
    answer = agent.create("photos", spec())
    assert answer.status == 201, answer.body
    return answer.json["stamp"]


def update(agent, weight):
    answer = agent.update("photos", spec(weights=(100, weight, 100)))
    assert answer.status == 200, answer.body
    return answer.json["stamp"]


def test_the_contract_of_the_store(server):
    run = subprocess.run([str(BUILD / "test" / "contract" / "contract_redis_store")],
                         env={**os.environ, "MCOS_REDIS_URL": server.url},
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_change_is_in_the_registry_when_it_is_answered(server, agent):
    stamp = create(agent)
    assert registered(server) == stamp
    stamp = update(agent, 70)
    assert registered(server) == stamp
    client = server.client()
    for name in ("a", "b", "c"):
        part, devices = client.execute_command("RING.LOOKUP", KEY, name, "c", "o")
        assert [d.decode() for d in devices] == agent.lookup("photos", name, "c", "o")
    assert agent.delete("photos").status in (200, 204)
    with pytest.raises(redis.ResponseError, match="DELETED"):
        client.execute_command("RING.LOOKUP", KEY, "a")


def test_row_41_redis_killed_and_empty_on_return_is_filled_again(server, agent):
    create(agent)
    server.kill()
    stamp = update(agent, 70)
    says(agent, "event=registry-degraded")
    assert agent.lookup("photos", "a")
    server.start()
    agrees(server, agent, stamp)
    says(agent, "event=registry-up")


def test_row_41_a_flushed_registry_is_filled_again(server, agent):
    stamp = create(agent)
    server.client().flushall()
    agrees(server, agent, stamp)
    says(agent, "event=registry-filled ring=photos")


def test_row_42_a_registry_rolled_back_is_brought_forward(server, agent):
    create(agent)
    old = server.client().get(KEY)
    stamp = update(agent, 70)
    server.client().set(KEY, old)
    agrees(server, agent, stamp)
    assert agent.stamp("photos") == stamp


@pytest.mark.parametrize("junk", ["text", "zeros", "list", "misnamed"])
def test_row_45_junk_in_the_registry_gives_way_and_is_kept_aside(server, agent, records, junk):
    stamp = create(agent)
    client = server.client()
    client.delete(KEY)
    if junk == "list":
        client.rpush(KEY, "x")
    else:
        client.set(KEY, {"text": b"junk", "zeros": b"\0" * 5000,
                         "misnamed": records.s_1}[junk])
    if junk == "misnamed":  # a good record, of another ring: only a merge can see it
        stamp = update(agent, 70)
        assert agent.stamp("photos") == stamp
        return
    agrees(server, agent, stamp)
    says(agent, "event=registry-repaired ring=photos")
    assert agent.stamp("photos") == stamp
    if junk != "list":
        assert any((agent.data / "quarantine").iterdir())


def test_row_43_a_full_redis_degrades_and_recovers(server, agent):
    create(agent)
    server.client().config_set("maxmemory", 1)
    stamp = update(agent, 70)
    says(agent, "used memory > 'maxmemory'")
    assert agent.stamp("photos") == stamp
    server.client().config_set("maxmemory", 0)
    agrees(server, agent, stamp)


def test_row_44_a_stopped_redis_holds_nobody_up_beyond_the_deadline(server, agent):
    create(agent)
    server.freeze()
    try:
        start = time.monotonic()
        stamp = update(agent, 70)
        assert time.monotonic() - start < 8
        says(agent, "event=registry-degraded")
        start = time.monotonic()
        assert agent.lookup("photos", "a")
        assert time.monotonic() - start < 5
    finally:
        server.thaw()
    agrees(server, agent, stamp)


def test_row_43_a_read_only_replica_is_no_registry_and_says_so(world, make):
    master, replica = make("master").start(), make("replica").start()
    from test_redis_module import _listen
    port = _listen(master)
    replica.client().execute_command("REPLICAOF", "127.0.0.1", port)
    until(lambda: replica.client().info("replication")["master_link_status"] == "up",
          "the replica follows")
    agent = world.start("c1", store=replica.url, alone=True)
    stamp = create(agent)
    says(agent, "READONLY")
    assert agent.stamp("photos") == stamp
    replica.client().execute_command("REPLICAOF", "NO", "ONE")
    agrees(replica, agent, stamp)


def test_a_redis_without_the_module_is_told_of_and_how_to_load_it(world, make):
    server = make()
    module, server.module = server.module, None
    server.options = ["--enable-module-command", "yes"]
    server.start()
    agent = world.start("c1", store=server.url, alone=True)
    says(agent, "this Redis has no module mcos; put the line 'loadmodule ")
    stamp = create(agent)
    server.client().execute_command("MODULE", "LOAD", str(module))
    agrees(server, agent, stamp)


def test_row_43_a_redis_that_is_loading_is_waited_for(world, make):
    server = make(options=["--save", "3600 1000000"]).start()
    client = server.client()
    pipe = client.pipeline(transaction=False)
    for i in range(4000):
        pipe.set(f"k{i}", "x" * 100)
    pipe.execute()
    client.save()
    server.kill()
    server.options += ["--key-load-delay", "800", "--loading-process-events-interval-bytes",
                       "1024"]
    server.start(ready=False)
    until(server.socket.exists, "the socket is there")
    agent = world.start("c1", store=server.url, alone=True)
    says(agent, "LOADING")
    stamp = create(agent)
    agrees(server, agent, stamp)


def elsewhere(world, name, weights=((1, 2, 3),)):
    """Records of a ring r that a cluster of the system makes behind a cut."""
    cluster = world.cluster(name, bus=f"sqlite:{world.folder / name}.db", alone=True)
    cluster.start()
    made = []
    for weight in weights:
        body = spec(weights=weight)
        answer = cluster.update("r", body) if made else cluster.create("r", body)
        assert answer.status in (200, 201), answer.body
        made.append((cluster.data / "rings" / "r.ring").read_bytes())
    cluster.kill()
    return made


def test_what_was_merged_into_redis_by_anybody_is_adopted_and_told(world, server):
    first, second = elsewhere(world, "c3", ((1, 2, 3), (3, 2, 1)))
    agent = world.start("c1", store=server.url)
    other = world.start("c2")
    client = server.client()
    for record in (first, second):
        client.execute_command("RING.MERGE", "mcos:ring:r", record)
        world.agree("r", registered(server, "mcos:ring:r"), [agent, other])


def test_a_ring_of_another_system_is_left_alone(server, agent, records):
    server.client().execute_command("RING.MERGE", "mcos:ring:r", records.r_1)
    says(agent, "event=registry-foreign ring=r")
    create(agent)
    assert agent.stamp("r") is None
    assert agent.log.read_text().count("registry-foreign") == 1


def test_a_wiped_disk_is_filled_from_the_registry_alone(server, agent):
    stamp = create(agent)
    agent.kill()
    shutil.rmtree(agent.data)
    agent.start()
    assert agent.stamp("photos") == stamp


def test_a_conflict_is_in_both_and_comes_back_to_a_wiped_one(world, server, agent):
    client = server.client()
    for record in elsewhere(world, "c3") + elsewhere(world, "c4"):
        client.execute_command("RING.MERGE", "mcos:ring:r", record)
    assert client.hlen("mcos:ring:r:losers") == 1
    until(lambda: agent.stamp("r") is not None, "c1 adopts r", agent)
    agent.kill()
    agent.start()  # losers are compared when connecting
    kept = list((agent.data / "conflicts" / "r").iterdir())
    assert len(kept) == 1
    client.flushall()
    agrees(server, agent, agent.stamp("r"), "mcos:ring:r")
    until(lambda: client.hlen("mcos:ring:r:losers") == 1, "the loser is back", agent)
    held = client.get("mcos:ring:r")
    agent.kill()
    client.flushall()
    client.set("mcos:ring:r", held)  # another agent was first, which knew of no conflict
    agent.start()
    until(lambda: client.hlen("mcos:ring:r:losers") == 1, "the loser is told", agent)


def test_a_degraded_registry_is_seen_in_the_status_and_hinders_nobody(world, server):
    agent, other = world.start("c1", store=server.url), world.start("c2")
    stamp = create(agent)
    world.agree("photos", stamp)
    url = f"unix:{agent.socket}"
    until(lambda: mcos("status", server=url).returncode == 0, "all is well", agent)
    assert agent.get("/v1/status").json["registry"] == "up"
    assert "registry up" in mcos("status", "-v", server=url).stdout
    assert other.get("/v1/status").json["registry"] == "none"
    server.kill()
    until(lambda: agent.get("/v1/status").json["registry"] == "degraded", "it is told", agent)
    status = agent.get("/v1/status").json
    assert status["verdict"] == "degraded"
    assert [r for r in status["reasons"] if r.startswith("the registry is degraded: Redis")]
    said = mcos("status", server=url)
    assert said.returncode == 1 and "registry degraded" in said.stdout, said.stdout
    assert agent.get("/readyz").status == 200 and agent.lookup("photos", "a")
    stamp = update(agent, 70)
    world.agree("photos", stamp)
    server.start()
    agrees(server, agent, stamp)
    until(lambda: mcos("status", server=url).returncode == 0, "all is well again", agent)


def test_redis_away_at_the_start_is_no_reason_not_to_start(world, make):
    server = make()
    agent = world.start("c1", store=server.url, alone=True)
    stamp = create(agent)
    says(agent, "event=registry-degraded")
    server.start()
    agrees(server, agent, stamp)


def test_a_user_with_just_the_rights_of_the_manual_is_enough(world, make):
    from test_redis_module import _listen
    server = make().start()
    port = _listen(server)
    client = server.client()
    manual = (ROOT / "docs" / "operate.md").read_text()
    rights = manual.split("A user needs `+ring.merge", 1)[1].split("`:", 1)[0].split()
    client.execute_command("ACL", "SETUSER", "agent", "on", ">pw", "+ring.merge", *rights)
    agent = world.start("c1", store=f"redis://agent:pw@127.0.0.1:{port}/1", alone=True)
    stamp = create(agent)
    on_one = server.client(db=1)
    assert on_one.exists(KEY)
    on_one.set(KEY, "junk")
    until(lambda: on_one.strlen(KEY) > 100, "it is repaired", agent)
    on_one.flushall()
    until(lambda: on_one.strlen(KEY) > 100, "it is filled", agent)
    agent.kill()
    agent.start()
    assert agent.stamp("photos") == stamp
    assert "NOPERM" not in agent.log.read_text()


def test_passwords_and_databases_work_and_are_shown_to_nobody(world, make):
    from test_redis_module import _listen
    server = make().start()
    port = _listen(server)
    server.client().config_set("requirepass", "s3cr@t")
    agent = world.start("c1", store=f"redis://:s3cr@t@127.0.0.1:{port}/3", alone=True)
    create(agent)
    client = server.client(password="s3cr@t", db=3)
    assert client.exists(KEY)
    line = agent.command() + ["--print-config"]
    shown = subprocess.run(line, capture_output=True, text=True).stdout
    assert f'store = "redis://127.0.0.1:{port}/3"' in shown
    assert "s3cr" not in shown + agent.log.read_text()
    agent.kill()
    client.config_set("requirepass", "other")
    agent.start()
    says(agent, "WRONGPASS")
    assert "s3cr" not in agent.log.read_text()


@pytest.mark.parametrize("url", ["redis://", "redis://h:0", "redis://h:x", "redis://h/x",
                                 "unix:relative", "memcached://h", "redis://u@h"])
def test_a_bad_address_is_refused_at_the_start(world, url):
    cluster = world.cluster("c1", store=url)
    done = subprocess.run(cluster.command(), capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and "store" in done.stderr
