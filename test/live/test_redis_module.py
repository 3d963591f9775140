# SPDX-License-Identifier: Apache-2.0
"""mcos.so in a real redis-server, asked by Python's own client as anybody would.

The module must decide as the agent does, answer from the value in place, survive
whatever a client sends, and leave data that a server without it can carry.
"""
import os
import random
import time

import pytest
import redis

from redis_server import Records, servers, wait

KEY = "mcos:ring:r"
LOSERS = KEY + ":losers"
JUNK = [b"", b"x", b"\x89MCRING\n" + b"\0" * 400, os.urandom(1000), b"12345678901"]


@pytest.fixture(scope="module")
def records():
    return Records()


@pytest.fixture
def make():
    with servers() as made:
        yield made


@pytest.fixture
def one(make):
    return make().start().client()


def merge(client, record, *options, key=KEY):
    verdict, relation = client.execute_command("RING.MERGE", key, record, *options)
    return verdict.decode(), relation.decode()


def refused(client, *command):
    with pytest.raises(redis.ResponseError) as caught:
        client.execute_command(*command)
    return str(caught.value)


def stamp(client, key=KEY):
    return client.execute_command("RING.STAMP", key).decode()


def stamp_of(client, record):
    client.execute_command("DEL", "scratch")
    merge(client, record, key="scratch")
    return stamp(client, "scratch")


# ---- merging ----

def test_a_record_is_added_replaced_the_same_or_older(one, records):
    assert merge(one, records.r_1) == ("added", "line")
    assert merge(one, records.r_1) == ("same", "line")
    assert merge(one, records.r_2a) == ("replaced", "line")
    assert merge(one, records.r_1) == ("older", "line")
    assert one.get(KEY) == records.r_2a
    assert one.execute_command("RING.GET", KEY) == records.r_2a
    assert not one.exists(LOSERS)


def test_the_loser_of_a_conflict_is_kept_until_somebody_settles_it(one, records):
    for first, second, verdict in ((records.r_2a, records.r_2b, "older"),
                                   (records.r_2b, records.r_2a, "replaced")):
        one.flushall()
        merge(one, records.r_1)
        merge(one, first)
        assert merge(one, second) == (verdict, "conflict")
        assert one.get(KEY) == records.r_2a
        assert one.hvals(LOSERS) == [records.r_2b]
        assert merge(one, records.r_3) == ("replaced", "line")
        assert not one.exists(LOSERS)
        assert merge(one, records.r_2b) == ("older", "line")
        assert merge(one, records.r_4) == ("replaced", "line")


@pytest.mark.parametrize("seed", range(3))
def test_at_most_sixteen_losers_stay_the_greatest_in_whatever_order(one, records, seed):
    order = records.children + [records.r_2a, records.r_2b]
    random.Random(seed).shuffle(order)
    for record in order:
        merge(one, record)
    kept = sorted([records.r_2b] + records.children[3:])
    assert one.get(KEY) == records.r_2a
    assert sorted(one.hvals(LOSERS)) == kept


def test_a_damaged_loser_gives_way_and_does_not_count(one, records):
    merge(one, records.r_1)
    one.hset(LOSERS, "00" * 32, b"junk")
    one.hset(LOSERS, "11" * 32, records.s_1)
    merge(one, records.r_2a)
    assert not one.exists(LOSERS)


def test_ifnewer_answers_as_merge_would_and_changes_nothing(one, records):
    first, a, b = (stamp_of(one, r) for r in (records.r_1, records.r_2a, records.r_2b))

    def ask(text):
        return merge(one, "IFNEWER", text)

    assert ask(first) == ("added", "line")
    merge(one, records.r_1)
    assert ask(first) == ("same", "line")
    assert ask(a) == ("replaced", "unknown")
    merge(one, records.r_2a)
    assert ask(first) == ("older", "line")
    assert ask(b) == ("older", "conflict")
    assert one.get(KEY) == records.r_2a and not one.exists(LOSERS)
    for bad in (b"", b"v1", first[:-1], first + "0", first.upper(), "e00" + first[2:],
                "e65536" + first[2:], first.replace("v1", "v01"),
                first.replace("v1", "v9007199254740992"), first + "\0"):
        assert refused(one, "RING.MERGE", KEY, "IFNEWER", bad).startswith("ARG ")


def test_ifheld_takes_the_place_of_the_record_named_and_of_no_other(one, records):
    first, a, b = (stamp_of(one, r) for r in (records.r_1, records.r_2a, records.r_2b))

    def claim(record, text):
        return one.execute_command("RING.MERGE", KEY, record, "IFHELD", text)

    assert refused(one, "RING.MERGE", KEY, records.r_2a, "IFHELD", first).startswith("STALE ")
    assert not one.exists(KEY)
    assert claim(records.r_1, "none") == [b"added", b"line"]
    assert refused(one, "RING.MERGE", KEY, records.r_2a, "IFHELD", "none").endswith(
        f"{first} is held")
    assert claim(records.r_2a, first) == [b"replaced", b"line"]
    # The other one made of the same parent: nothing changes, nothing is a conflict.
    assert refused(one, "RING.MERGE", KEY, records.r_2b, "IFHELD", first).startswith("STALE ")
    assert one.get(KEY) == records.r_2a and not one.exists(LOSERS)
    # Asked again, for the answer was lost.
    assert claim(records.r_2a, first) == [b"same", b"line"]
    for bad in (b"", b"v1", a[:-1], b + "0"):
        assert refused(one, "RING.MERGE", KEY, records.r_2b, "IFHELD", bad).startswith("ARG ")


def test_a_change_is_told_on_the_channel_and_nothing_else_is(one, make, records):
    listener = one.pubsub()
    listener.subscribe("mcos:ring")
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    merge(one, records.r_1)
    merge(one, records.r_1)
    merge(one, records.r_2a)
    merge(one, records.r_2b)  # a loser is news too
    merge(one, records.r_2b)
    said = []
    while (message := listener.get_message(timeout=0.3)) is not None:
        said.append(message["data"].decode())
    assert len(said) == 3 and said[0].startswith(KEY + " v1.")
    assert said[1].startswith(KEY + " v2.") and said[2] == said[1]


# ---- refusals ----

def test_a_bad_record_is_refused_with_a_word_and_changes_nothing(one, records):
    merge(one, records.r_1)
    cut = len(records.r_2a) // 2
    flipped = bytearray(records.r_2a)
    flipped[cut] ^= 1
    table = bytearray(records.r_2a)
    table[448 + 64] ^= 0xff
    for bad in JUNK + [records.r_2a[:-1], records.r_2a + b"\0", bytes(flipped),
                       records.r_2a[:cut], bytes(table)]:
        assert refused(one, "RING.MERGE", KEY, bad).startswith("ARG ")
        assert refused(one, "RING.MERGE", "fresh", bad).startswith("ARG ")
    assert refused(one, "RING.MERGE", KEY, records.s_1).startswith("ARG ")
    assert one.get(KEY) == records.r_1 and one.dbsize() == 1


def test_a_foreign_value_is_an_error_and_stays(one, records):
    reads = [("RING.GET", KEY), ("RING.STAMP", KEY), ("RING.INFO", KEY),
             ("RING.LOOKUP", KEY, "a"), ("RING.PART", KEY, 0),
             ("RING.MLOOKUP", KEY, 1, "a", "", ""), ("RING.MERGE", KEY, records.r_1)]
    for junk in JUNK[1:] + [records.r_1[:-1], records.r_1 + b"\0"]:
        one.set(KEY, junk)
        for command in reads:
            assert refused(one, *command).startswith("CORRUPT "), command
        assert one.get(KEY) == junk
    one.delete(KEY)
    one.rpush(KEY, "x")
    for command in reads:
        assert refused(one, *command).startswith("WRONGTYPE ")
    assert one.lrange(KEY, 0, -1) == [b"x"]
    one.delete(KEY)
    for command in reads[:-1]:
        assert refused(one, *command).startswith("NORING ")
    merge(one, records.r_1)
    one.set(LOSERS, "x")
    assert refused(one, "RING.MERGE", KEY, records.r_2a).startswith("WRONGTYPE ")
    assert one.get(KEY) == records.r_1 and one.get(LOSERS) == b"x"


def test_repair_replaces_what_is_no_ring_and_nothing_better(one, records):
    one.set(KEY, "junk")
    assert merge(one, records.r_1, "REPAIR") == ("added", "line")
    one.delete(KEY)
    one.rpush(KEY, "x")
    assert merge(one, records.r_2a, "REPAIR") == ("added", "line")
    assert merge(one, records.r_1, "REPAIR") == ("older", "line")
    one.set(LOSERS, "x")
    assert merge(one, records.r_2b, "REPAIR") == ("older", "conflict")
    assert one.hvals(LOSERS) == [records.r_2b]
    newer = bytearray(records.r_1)
    newer[8] = 2
    one.set(KEY, bytes(newer))
    assert refused(one, "RING.MERGE", KEY, records.r_1, "REPAIR").startswith("UPGRADE ")
    assert one.get(KEY) == bytes(newer)


def test_a_value_changed_behind_our_back_is_noticed(one, records):
    merge(one, records.r_1)
    for spoil in (lambda: one.setrange(KEY, 448 + 64, b"\xff" * 8),
                  lambda: one.setbit(KEY, 9000, 1),
                  lambda: one.append(KEY, b"x"),
                  lambda: one.execute_command("BITFIELD", KEY, "SET", "u8", 9000, 255),
                  lambda: one.set(KEY, records.r_1[:-1] + b"x")):
        one.set(KEY, records.r_1)
        assert one.execute_command("RING.LOOKUP", KEY, "a")
        spoil()
        assert refused(one, "RING.LOOKUP", KEY, "a").startswith("CORRUPT ")
    one.set(KEY, records.r_1)
    assert one.execute_command("RING.LOOKUP", KEY, "a")
    one.rename(KEY, "else")
    assert refused(one, "RING.LOOKUP", KEY, "a").startswith("NORING ")
    one.copy("else", KEY)
    one.select(1)
    one.set(KEY, "junk" * 200)
    one.swapdb(0, 1)
    assert one.execute_command("RING.LOOKUP", KEY, "a")
    one.flushall()
    assert refused(one, "RING.LOOKUP", KEY, "a").startswith("NORING ")


# ---- reading ----

def test_info_tells_the_head(one, records):
    merge(one, records.r_2a)
    flat = one.execute_command("RING.INFO", KEY)
    info = dict(zip((k.decode() for k in flat[::2]), flat[1::2]))
    assert info["name"] == b"r" and info["version"] == 2 and info["deleted"] == b"no"
    assert info["partitions"] == 16 and info["devices"] == 2 and info["hash"] == b"xxh3"
    assert info["bytes"] == len(records.r_2a) and info["stamp"].decode() == stamp(one)
    assert stamp(one) == (f"e0.v2.t{info['timestamp']}.{info['digest'].decode()}")


def test_lookup_mlookup_and_part_agree(one, records):
    merge(one, records.r_1)
    seen = set()
    for names in (["a"], ["a", "c"], ["a", "c", "o"], ["\u00e9" * 300, "c", "o" * 2000]):
        part, devices = one.execute_command("RING.LOOKUP", KEY, *names)
        assert devices == [[b"one", b"two"][part % 2]]
        triple = (names + ["", ""])[:3]
        full = one.execute_command("RING.LOOKUP", KEY, *names, "WITHVERSION",
                                   "HANDOFFS", 5)
        assert full == [part, devices, stamp(one).encode(),
                        [[b"two", b"one"][part % 2]]]
        assert one.execute_command("RING.MLOOKUP", KEY, 2, *triple, *triple) == \
            [[part, devices]] * 2
        assert one.execute_command("RING.PART", KEY, part, "handoffs", 1,
                                   "withversion") == full
        seen.add(part)
    assert len(seen) > 1
    assert one.execute_command("RING.PART", KEY, 0, "HANDOFFS", 0)[2] == []


def test_mlookup_of_many_names_is_a_lookup_of_each(one, records):
    merge(one, records.r_1)
    names = [(f"AUTH_{i}", "c" * (i % 3), f"o{i}" * (i % 3 > 0)) for i in range(150)]
    names[70] = ("a" * 9000, "c", "")  # hashed alone
    answers = one.execute_command("RING.MLOOKUP", KEY, len(names), *sum(names, ()), "HANDOFFS", 1)
    assert len({part for part, _, _ in answers}) > 1
    for name, answer in zip(names, answers, strict=True):
        given = [word for word in name if word]
        assert one.execute_command("RING.LOOKUP", KEY, *given, "HANDOFFS", 1) == answer, name


def test_wrong_questions_are_refused(one, records):
    merge(one, records.r_1)
    for command in (["RING.LOOKUP", KEY, "a", "c", "o", "x"],
                    ["RING.LOOKUP", KEY, "a", "", "o"],
                    ["RING.LOOKUP", KEY, "a", "HANDOFFS"],
                    ["RING.LOOKUP", KEY, "a", "HANDOFFS", "-1"],
                    ["RING.LOOKUP", KEY, "a", "HANDOFFS", "1025"],
                    ["RING.PART", KEY, "16"], ["RING.PART", KEY, "-1"],
                    ["RING.PART", KEY, "x"], ["RING.PART", KEY, "16777216"],
                    ["RING.MLOOKUP", KEY, "0", "a", "c", "o"],
                    ["RING.MLOOKUP", KEY, "2", "a", "c", "o"],
                    ["RING.MLOOKUP", KEY, "1001", "a", "c", "o"],
                    ["RING.MLOOKUP", KEY, "1", "a", "", "o"],
                    ["RING.MLOOKUP", KEY, "17"] + ["a", "c", "o"] * 17 +
                    ["HANDOFFS", "1024"],
                    ["RING.LIST", "-1"], ["RING.LIST", "0", "COUNT"],
                    ["RING.LIST", "0", "COUNT", "0"], ["RING.LIST", "0", "TYPE", "x"],
                    ["RING.MERGE", KEY, records.r_1, "PLEASE"]):
        assert refused(one, *command).startswith("ARG "), command


def test_a_deleted_ring_and_one_with_a_secret_say_so(one, records):
    merge(one, records.r_4)
    merge(one, records.md5_1, key="md5")
    assert refused(one, "RING.LOOKUP", KEY, "a").startswith("DELETED r was deleted at v")
    assert refused(one, "RING.PART", KEY, 0).startswith("DELETED ")
    assert refused(one, "RING.LOOKUP", "md5", "a").startswith("SECRET ")
    assert one.execute_command("RING.PART", "md5", 1) == [1, [b"two"]]


def test_list_finds_the_rings_among_other_keys(one, records):
    for i in range(500):
        one.set(f"other:{i}", "x" * 1000)
        one.rpush(f"list:{i}", "x")
    merge(one, records.r_1)
    merge(one, records.s_1, key="mcos:ring:s")
    for match in ([], ["MATCH", "mcos:ring:*"]):
        cursor, found = 0, {}
        while True:
            cursor, flat = one.execute_command("RING.LIST", cursor, *match, "COUNT", 50)
            found.update(zip(flat[::2], flat[1::2]))
            if int(cursor) == 0:
                break
        assert sorted(found) == [b"mcos:ring:r", b"mcos:ring:s"]
        assert found[b"mcos:ring:r"].decode() == stamp(one)


def test_help_and_command_info_are_there(one):
    assert b"RING.MERGE key record [REPAIR]" in one.execute_command("RING.HELP")
    info = one.command()
    assert {"write", "denyoom"} <= set(info["ring.merge"]["flags"])
    assert {"readonly", "fast"} <= set(info["ring.lookup"]["flags"])
    assert info["ring.lookup"]["first_key_pos"] == 1


def test_access_lists_bind(one, records):
    merge(one, records.r_1)
    # Redis 7.0 puts no command of a module into a category: they are named.
    one.execute_command("ACL", "SETUSER", "reader", "on", "nopass", "+ring.lookup",
                        "%R~mcos:ring:*")
    one.execute_command("AUTH", "reader", "x")
    assert one.execute_command("RING.LOOKUP", KEY, "a")
    with pytest.raises(redis.exceptions.NoPermissionError):
        one.execute_command("RING.MERGE", KEY, records.r_2a)
    with pytest.raises(redis.exceptions.NoPermissionError):
        one.execute_command("RING.LOOKUP", "other", "a")


def test_it_works_in_a_transaction_and_in_a_script(one, records):
    pipe = one.pipeline(transaction=True)
    pipe.execute_command("RING.MERGE", KEY, records.r_1)
    pipe.execute_command("RING.STAMP", KEY)
    pipe.execute_command("RING.MERGE", KEY, records.r_2a)
    out = pipe.execute()
    assert out[0] == [b"added", b"line"] and out[2] == [b"replaced", b"line"]
    assert one.eval("return redis.call('RING.MERGE', KEYS[1], ARGV[1])", 1, KEY,
                    records.r_2b) == [b"older", b"conflict"]


# ---- what carries the data ----

def test_a_snapshot_a_restart_and_a_server_without_the_module(make, records):
    server = make(options=["--save", "3600 1"]).start()
    client = server.client()
    merge(client, records.r_2a)
    merge(client, records.r_2b)
    client.save()
    server.kill()
    client = server.start().client()
    assert client.execute_command("RING.LOOKUP", KEY, "a")
    assert merge(client, records.r_2b) == ("older", "conflict")
    assert merge(client, records.r_3) == ("replaced", "line")
    server.stop()
    server.module = None
    client = server.start().client()
    assert client.get(KEY) == records.r_3 and not client.exists(LOSERS)


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_the_append_only_file(make, records, preamble):
    server = make(options=["--appendonly", "yes", "--appendfsync", "always",
                           "--aof-use-rdb-preamble", preamble]).start()
    client = server.client()
    merge(client, records.r_2b)
    merge(client, records.r_2a)
    server.kill()
    client = server.start().client()
    assert client.execute_command("RING.GET", KEY) == records.r_2a
    assert client.hvals(LOSERS) == [records.r_2b]
    client.bgrewriteaof()
    wait(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "rewrite")
    merge(client, records.r_3)
    server.kill()
    server.module = None
    client = server.start().client()
    assert client.get(KEY) == records.r_3 and not client.exists(LOSERS)


@pytest.mark.parametrize("with_module", [True, False])
def test_a_replica_has_the_same_and_refuses_to_merge(make, records, with_module):
    one = make("one", options=["--repl-diskless-sync-delay", "0"])
    one.start()
    two = make("two")
    if not with_module:
        two.module = None
    two.start()
    port = _listen(one)
    merge(one.client(), records.r_1)
    client = two.client()
    client.execute_command("REPLICAOF", "127.0.0.1", port)
    wait(lambda: client.get(KEY) == records.r_1, "the first copy")
    if with_module:
        assert client.execute_command("RING.LOOKUP", KEY, "a")
    merge(one.client(), records.r_2a)
    merge(one.client(), records.r_2b)
    wait(lambda: client.get(KEY) == records.r_2a and client.exists(LOSERS), "the stream")
    assert client.hvals(LOSERS) == [records.r_2b]
    if with_module:
        assert stamp(client) == stamp(one.client())
        with pytest.raises(redis.ReadOnlyError):
            merge(client, records.r_3)


def _listen(server):
    """Opens a port on a server that has only a socket; the kernel's choice is free."""
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server.client().config_set("bind", "127.0.0.1")
    server.client().config_set("port", port)
    return port


def test_a_full_server_refuses_to_merge_and_still_answers(make, records):
    server = make(options=["--maxmemory-policy", "noeviction"]).start()
    client = server.client()
    merge(client, records.r_1)
    client.config_set("maxmemory", 1)
    assert "used memory > 'maxmemory'" in refused(client, "RING.MERGE", KEY, records.r_2a)
    assert client.execute_command("RING.LOOKUP", KEY, "a")
    client.config_set("maxmemory", 0)
    assert merge(client, records.r_2a) == ("replaced", "line")


# ---- hostile ----

def test_nothing_a_client_sends_ends_the_server(make, records):
    """Some seconds of wild commands beside plain ones on the same keys."""
    server = make().start()
    client = server.client()
    rng = random.Random(20)
    good = [records.r_1, records.r_2a, records.r_2b, records.r_3, records.r_4,
            records.s_1, records.md5_1] + records.children
    keys = ["k1", "k2", "k1:losers", "k2:losers"]
    names = ["ring.merge", "ring.get", "ring.stamp", "ring.info", "ring.lookup",
             "ring.mlookup", "ring.part", "ring.list", "ring.help"]
    words = ["WITHVERSION", "HANDOFFS", "IFNEWER", "IFHELD", "REPAIR", "MATCH", "COUNT", "", "a",
             "0", "1", "3", "-1", "9999999999999999999", "x" * 5000, "\0\r\n-ERR",
             "e0.v1.t1." + "0" * 64, "*", "e0.v2.t1700000000000000001." + "f" * 64]

    def spoilt():
        record = bytearray(rng.choice(good))
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(min(len(record), rng.choice([64, 500, len(record)])))
            record[at] = rng.choice([0, 1, 255, rng.randrange(256)])
        return bytes(record[:rng.choice([len(record)] * 4 + [rng.randrange(1000)])])

    def argument():
        return rng.choice([lambda: rng.choice(words), spoilt,
                           lambda: rng.choice(keys), lambda: rng.choice(good)])()

    def plain():
        key = rng.choice(keys)
        return rng.choice([
            lambda: ["SET", key, spoilt()], lambda: ["DEL", key],
            lambda: ["SETRANGE", key, rng.randrange(3000), os.urandom(4)],
            lambda: ["APPEND", key, "x"], lambda: ["RENAME", key, rng.choice(keys)],
            lambda: ["HSET", key, "f" * 64, spoilt()], lambda: ["RPUSH", key, "x"],
            lambda: ["EXPIRE", key, rng.randrange(2)], lambda: ["FLUSHALL"],
            lambda: ["RING.MERGE", key, rng.choice(good)],
            lambda: ["RING.LOOKUP", key, "a", "c", "o", "HANDOFFS", "3"]])()

    until = time.monotonic() + 5
    sent = 0
    while time.monotonic() < until:
        pipe = client.pipeline(transaction=False)
        for _ in range(200):
            if rng.random() < 0.5:
                pipe.execute_command(*plain())
            else:
                pipe.execute_command(rng.choice(names), rng.choice(keys),
                                     *(argument() for _ in range(rng.randint(0, 8))))
            sent += 1
        for answer in pipe.execute(raise_on_error=False):
            if isinstance(answer, redis.ResponseError):
                assert not str(answer).startswith("unknown command"), answer
    assert server.process.poll() is None and sent > 2000
    client.flushall()
    assert merge(client, records.r_1) == ("added", "line")
