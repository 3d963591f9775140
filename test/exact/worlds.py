# SPDX-License-Identifier: Apache-2.0
"""Small random rings and every kind of change to them, as words for `rebalances`."""
import dataclasses

MILLION = 1_000_000
WEIGHTS = [1.0, 1.0, 1.0, 2.0, 1.5, 4.0, 10.0]
DEVICES_MAX = 16
HOUR = 3600


@dataclasses.dataclass
class Spec:
    power: int
    replicas: int  # millionths
    overload: int
    min_move: int
    strict: bool
    devices: dict  # number -> (region, zone, host, weight in millionths)

    def live(self):
        return [n for n, d in self.devices.items() if d[3] > 0]

    def copy(self):
        return dataclasses.replace(self, devices=dict(self.devices))

    def replicas_at(self, power):
        """Of all partitions, so many as a power says."""
        return (self.replicas << power) // MILLION

    def raises(self, old):
        """More partitions, and nothing else that shares are made of."""
        return (self.power > old.power
                and self.replicas_at(old.power) == old.replicas_at(old.power)
                and (self.overload, self.strict, self.devices)
                == (old.overload, old.strict, old.devices))


def random_device(rng, regions=3):
    weight = rng.choice(WEIGHTS)
    if rng.random() < 0.15:
        weight = rng.uniform(0.01, 5)
    return (f"r{rng.randrange(regions)}", f"z{rng.randrange(3)}",
            rng.choice(["h0", "h1", "-"]), int(weight * MILLION))


def random_spec(rng, power_max, strict, min_move):
    regions = rng.choice([1, 2, 3, 3])
    devices = {n: random_device(rng, regions) for n in range(rng.randrange(2, 12))}
    if rng.random() < 0.1:
        n = rng.choice(list(devices))
        devices[n] = (*devices[n][:3], 0)
    spec = Spec(rng.randrange(1, power_max + 1), MILLION, 0, min_move, strict, devices)
    mend(rng, spec)
    spec.replicas = random_replicas(rng, spec)
    if rng.random() < 0.25:
        spec.overload = rng.choice([10_000, 100_000, 300_000, 1_000_000, 5_000_000])
    return spec


def random_replicas(rng, spec):
    most = min(5, len(spec.live()))
    whole = rng.randrange(1, most + 1) * MILLION
    if rng.random() < 0.3:
        return min(whole + rng.randrange(MILLION), most * MILLION)
    return whole


def mend(rng, spec):
    """A change may leave too few devices for the replicas."""
    while not spec.live():
        spec.devices[max(spec.devices, default=0) + 1] = (*random_device(rng)[:3], MILLION)
    spec.replicas = min(spec.replicas, len(spec.live()) * MILLION)


# ---- the changes; each takes a copy of the spec, and numbers that were never used ----

def add(rng, spec, fresh):
    for _ in range(rng.randrange(1, 4)):
        if len(spec.devices) < DEVICES_MAX:
            spec.devices[next(fresh)] = random_device(rng)


def remove(rng, spec, fresh):
    for _ in range(rng.randrange(1, 3)):
        if spec.devices:
            del spec.devices[rng.choice(list(spec.devices))]


def reweight_one(rng, spec, fresh):
    n = rng.choice(list(spec.devices))
    spec.devices[n] = (*spec.devices[n][:3], random_device(rng)[3])


def reweight_all(rng, spec, fresh):
    for n in spec.devices:
        spec.devices[n] = (*spec.devices[n][:3], random_device(rng)[3])


def reweight_little(rng, spec, fresh):
    for n, d in spec.devices.items():
        spec.devices[n] = (*d[:3], int(d[3] * rng.uniform(0.9, 1.1)))


def drain(rng, spec, fresh):
    for _ in range(rng.randrange(1, 3)):
        n = rng.choice(list(spec.devices))
        spec.devices[n] = (*spec.devices[n][:3], 0)


def refill(rng, spec, fresh):
    """What was drained comes back; in a ring without any, one is drained first."""
    gone = [n for n, d in spec.devices.items() if d[3] == 0]
    for n in gone:
        spec.devices[n] = (*spec.devices[n][:3], MILLION)
    if not gone:
        drain(rng, spec, fresh)


def keep_where(spec, good):
    spec.devices = {n: d for n, d in spec.devices.items() if good(d)}


def less_zone(rng, spec, fresh):
    zone = spec.devices[rng.choice(list(spec.devices))][:2]
    keep_where(spec, lambda d: d[:2] != zone)


def less_region(rng, spec, fresh):
    region = spec.devices[rng.choice(list(spec.devices))][0]
    keep_where(spec, lambda d: d[0] != region)


def more_zone(rng, spec, fresh):
    region = rng.choice(list(spec.devices.values()))[0]
    for _ in range(rng.randrange(1, 4)):
        if len(spec.devices) < DEVICES_MAX:
            spec.devices[next(fresh)] = (region, "new", *random_device(rng)[2:])


def more_region(rng, spec, fresh):
    for _ in range(rng.randrange(1, 4)):
        if len(spec.devices) < DEVICES_MAX:
            spec.devices[next(fresh)] = ("new", *random_device(rng)[1:])


def elsewhere(rng, spec, fresh):
    """A device that is moved to another place, as it is."""
    n = rng.choice(list(spec.devices))
    spec.devices[n] = (*random_device(rng)[:3], spec.devices[n][3])


def replicas(rng, spec, fresh):
    spec.replicas = random_replicas(rng, spec)


def replicas_a_little(rng, spec, fresh):
    spec.replicas = max(MILLION, spec.replicas + rng.randrange(-400_000, 400_000))


def overload(rng, spec, fresh):
    spec.overload = rng.choice([0, 20_000, 100_000, 400_000, 2_000_000])


def nothing(rng, spec, fresh):
    pass


def part_power(rng, spec, fresh):
    """Every partition splits, and nothing else changes."""
    spec.power += 2 if spec.power < 3 and rng.random() < 0.25 else 1


def part_power_and_more(rng, spec, fresh):
    """With another change at once."""
    spec.power += 1
    rng.choice(CHANGES)(rng, spec, fresh)


CHANGES = [add, remove, reweight_one, reweight_all, reweight_little, drain, refill, less_zone,
           less_region, more_zone, more_region, elsewhere, replicas, replicas_a_little,
           overload, nothing]


def mixture(rng, spec, fresh):
    for _ in range(rng.randrange(2, 4)):
        rng.choice(CHANGES)(rng, spec, fresh)
        mend(rng, spec)


def foreign(rng, spec):
    """Any table of distinct live devices: somebody else's, with quotas not like ours."""
    table = []
    for _ in range(1 << spec.power):
        most = min(6, len(spec.devices))
        row = rng.sample(list(spec.devices), rng.randrange(1, most + 1))
        table.append(row)
    width = max(len(row) for row in table)
    return [row + [-1] * (width - len(row)) for row in table]


def damage(rng, old):
    """Edits of the ring's table: holes, devices twice, devices that nobody knows."""
    parts = 1 << old.power
    stride = -(-(parts * old.replicas // MILLION) // parts)
    anybody = [*old.devices, -1, -1, 9999]
    return {place: rng.choice(anybody) for place in range(parts * stride)
            if rng.random() < 0.2}


# ---- words ----

def words(spec, now, seed):
    out = [f"build {spec.power} {spec.replicas} {spec.overload} {spec.min_move} "
           f"{int(spec.strict)} {now} {seed} {len(spec.devices)}"]
    out += [f"{n} {d[0]} {d[1]} {d[2]} {d[3]}" for n, d in spec.devices.items()]
    return "\n".join(out) + "\n"


def table_words(table):
    return (f"table {len(table[0])} {len(table) * len(table[0])}\n"
            + "\n".join(" ".join(map(str, row)) for row in table) + "\n")


def edit_words(edits):
    return f"edit {len(edits)}\n" + "".join(f"{at} {n}\n" for at, n in edits.items())


@dataclasses.dataclass
class Step:
    """One change: what is asked of the ring as the step before left it; of another
    table; or of the ring's with edits. Those two end a chain."""
    kind: str
    spec: Spec
    now: int
    table: list = None
    edits: dict = None

    def words(self, seed):
        extra = table_words(self.table) if self.table else ""
        if self.edits is not None:
            extra = edit_words(self.edits)
        return extra + words(self.spec, self.now, seed)

    def before(self, table):
        """What it starts from, if that is the ring's table."""
        if self.table:
            return self.table
        if not self.edits:
            return table
        stride = len(table[0])
        return [[self.edits.get(p * stride + i, n) for i, n in enumerate(row)]
                for p, row in enumerate(table)]


def fresh_numbers():
    n = 100
    while True:
        yield n
        n += 1


def chain(rng, kinds, power_max, strict, min_move):
    """A first ring and a change for each of `kinds`."""
    spec = random_spec(rng, power_max, strict, min_move)
    fresh = fresh_numbers()
    now = 1_000_000
    steps = [Step("first", spec, now)]
    for kind in kinds:
        old, spec = spec, spec.copy()
        now += rng.choice([HOUR // 4, HOUR * 5])
        table = edits = None
        if kind == "foreign":
            table = foreign(rng, spec)
        elif kind == "damaged":
            edits = damage(rng, old)
            reweight_one(rng, spec, fresh)
        else:
            ALL[kind](rng, spec, fresh)
        mend(rng, spec)
        steps.append(Step(kind, spec, now, table, edits))
        if table or edits is not None:
            break
        if spec.raises(old):
            now += rng.choice([HOUR // 4, HOUR * 5])
            steps.append(Step("after a raise", spec, now))
    return steps


ALL = {f.__name__: f for f in [*CHANGES, part_power, part_power_and_more, mixture]}
