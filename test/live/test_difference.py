# SPDX-License-Identifier: Apache-2.0
"""Who was away and names what it holds gets a difference; who holds nothing the whole."""
import contextlib
import sqlite3

from world import spec, until

RECORD, DIFFERENCE = 1, 8


@contextlib.contextmanager
def tapped(path):
    """Notes each record letter that is put on the bus: its key, kind and bytes."""
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.execute("CREATE TABLE tap(key TEXT, kind INTEGER, bytes INTEGER)")
    db.execute("CREATE TRIGGER tap_records AFTER INSERT ON records BEGIN"
               " INSERT INTO tap VALUES(NEW.key, unicode(CAST(substr(NEW.body, 7, 1) AS TEXT)),"
               " length(NEW.body)); END")
    with contextlib.closing(db):
        yield lambda key: db.execute(
            "SELECT kind, bytes FROM tap WHERE key = ?", (key,)).fetchall()


def test_who_returns_gets_a_difference_and_who_joins_the_whole(world):
    weights = [100] * 100
    c1, c2 = world.start("c1", "c2", announce="digest")
    first = c1.create("photos", spec(part_power=16, weights=weights)).json["stamp"]
    world.agree("photos", first)
    c2.kill()
    with tapped(world.bus) as letters:
        weights[42] = 150
        second = c1.update("photos", spec(part_power=16, weights=weights)).json["stamp"]
        until(lambda: letters("ring"), "the update is on the bus", c1)
        (kind, whole), = letters("ring")
        assert kind == RECORD  # what goes to all can be read by anybody
        purge = sqlite3.connect(world.bus, timeout=10, isolation_level=None)
        purge.execute("DELETE FROM records WHERE key = 'ring'")
        purge.close()
        c2.start()
        world.agree("photos", second)
        answers = letters("ring.c2")  # more than one if it had to ask again
        print(f"whole {whole} bytes, difference {answers[0][1]}")
        assert {kind for kind, _ in answers} == {DIFFERENCE}
        assert max(size for _, size in answers) * 50 < whole
        assert c2.says("event=behind") and not c2.says("event=quarantined")
        one, two = (c.data / "rings" / "photos.ring" for c in (c1, c2))
        assert one.read_bytes() == two.read_bytes()

        world.start("c3", announce="digest")
        world.agree("photos", second)
        assert {kind for kind, _ in letters("ring.c3")} == {RECORD}
