# SPDX-License-Identifier: Apache-2.0
"""The fewest moves by HiGHS (scipy), many instances in one problem, block by block.

A linear programme where a partition may move any number of replicas: rows of a partition
are matroids that meet at the devices, so its optimum is a whole number, and equal rows
count as one row several times. An integer programme where it may move one: there what
cannot reach its quota costs more than any move.
"""
import collections
import itertools

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

HELD_BACK = 1000  # moves that one replica beyond quota is worth


class Block:
    """An instance: rows of old devices, quotas, and the places of devices; as many replicas
    as the spec comes to, or a number of them."""

    def __init__(self, spec, quotas, old, total=None):
        self.spec = spec
        self.quota = {n: q for n, q in zip(spec.devices, quotas)}
        self.parts = 1 << spec.power
        total = spec.replicas_at(spec.power) if total is None else total
        self.widths = [total // self.parts + (p < total % self.parts)
                       for p in range(self.parts)]
        self.live = [n for n in spec.devices if self.quota[n] > 0]
        self.old = [frozenset(n for n in row if self.quota.get(n, 0) > 0) for row in old]
        self.nodes = self.make_nodes()

    def make_nodes(self):
        """(devices, floor, ceil) of each region, zone, host and device; those that say the
        same as what is above them once."""
        found = {}
        for n in self.live:
            region, zone, host, _ = self.spec.devices[n]
            host = host if host != "-" else f"own {n}"
            for key in ((region,), (region, zone), (region, zone, host),
                        (region, zone, host, n)):
                found.setdefault(key, []).append(n)
        nodes = {}
        for members in found.values():
            total = sum(self.quota[n] for n in members)
            nodes[tuple(members)] = (total // self.parts, -(-total // self.parts))
        return [(members, *bounds) for members, bounds in nodes.items()]

    def fills(self, row, width):
        """A row with these devices, and perhaps others, can be made."""
        low, high = self.range_of(self.live, 0, set(row))
        return low <= width <= high

    def range_of(self, members, tier, row):
        """The least and most replicas of a partition below a node, with all of `row`."""
        low = high = 0
        if tier == 3:
            for n in members:
                low += n in row or (self.spec.strict and self.quota[n] == self.parts)
                high += 1
            return low, high
        children = {}
        for n in members:
            name = self.spec.devices[n][tier]
            children.setdefault(f"own {n}" if name == "-" else name, []).append(n)
        for child in children.values():
            child_low, child_high = self.range_of(child, tier + 1, row)
            total = sum(self.quota[n] for n in child)
            if self.spec.strict:
                child_low = max(child_low, total // self.parts)
            child_high = min(child_high, -(-total // self.parts))
            if child_low > child_high:
                return 1, 0
            low += child_low
            high += child_high
        return low, high

    def keepable(self, p):
        """The most of an old row that can stay together."""
        for n in range(len(self.old[p]), 0, -1):
            for row in itertools.combinations(sorted(self.old[p]), n):
                if self.fills(row, self.widths[p]):
                    return n
        return 0

    def may_lose(self, frozen):
        """Of each row, with one move of a partition at a time."""
        out = []
        for p in range(self.parts):
            kept = self.keepable(p)
            moves = len(self.old[p]) > kept or self.widths[p] > kept
            out.append(len(self.old[p]) - kept if moves else int(not frozen[p]))
        return out

    def wrong(self, table):
        """What is wrong with a table, or None: rows, ceil (and floor)."""
        for p, row in enumerate(table):
            row = [n for n in row if n >= 0]
            if len(row) != self.widths[p] or len(set(row)) != len(row):
                return f"row {p} is {row}, width {self.widths[p]}"
            if any(self.quota.get(n, 0) == 0 for n in row):
                return f"row {p} is {row}: a device without quota"
            for members, least, most in self.nodes:
                have = sum(n in members for n in row)
                if have > most or (self.spec.strict and have < least):
                    return f"row {p} has {have} of {members}: {least} to {most}"
        return None

    def moved(self, table):
        return sum(n >= 0 and n not in self.old[p] for p, row in enumerate(table) for n in row)

    def held_back(self, table):
        held = collections.Counter(n for row in table for n in row if n >= 0)
        return sum(max(0, held[n] - q) for n, q in self.quota.items())


class Problem:
    """Blocks side by side: minimize cost @ x, least <= A @ x <= most."""

    def __init__(self):
        self.cost, self.upper, self.integer = [], [], []
        self.row, self.col, self.val = [], [], []
        self.least, self.most = [], []
        self.ends = []

    def variable(self, cost, upper, integer):
        self.cost.append(cost)
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.cost) - 1

    def constraint(self, cols, least, most, vals=None):
        self.row += [len(self.least)] * len(cols)
        self.col += cols
        self.val += vals or [1] * len(cols)
        self.least.append(least)
        self.most.append(most)

    def rule(self, block, x, times, width):
        """One row, or several alike: its width, and every node's bounds."""
        self.constraint(list(x.values()), times * width, times * width)
        for members, least, most in block.nodes:
            if most < min(width, len(members)) or (block.spec.strict and least > 0):
                self.constraint([x[n] for n in members],
                                times * least if block.spec.strict else 0, times * most)

    def add(self, block):
        groups = collections.Counter(zip(block.old, block.widths))
        of = {n: [] for n in block.live}
        for (old, width), times in groups.items():
            x = {n: self.variable(-(n in old), times, 0) for n in block.live}
            self.rule(block, x, times, width)
            for n, col in x.items():
                of[n].append(col)
        for n, cols in of.items():
            self.constraint(cols, block.quota[n], block.quota[n])
        self.ends.append((len(self.cost), sum(block.widths)))

    def add_gentle(self, block, may_lose):
        of = {n: [] for n in block.live}
        for p, old in enumerate(block.old):
            x = {n: self.variable(-(n in old), 1, 1) for n in block.live}
            self.rule(block, x, 1, block.widths[p])
            if old:
                self.constraint([x[n] for n in old], len(old) - may_lose[p], len(old))
            for n, col in x.items():
                of[n].append(col)
        for n, cols in of.items():
            over = self.variable(HELD_BACK, block.parts, 0)
            under = self.variable(0, block.parts, 0)
            self.constraint(cols + [over, under], block.quota[n], block.quota[n],
                            [1] * len(cols) + [-1, 1])
        self.ends.append((len(self.cost), sum(block.widths)))

    def solve(self):
        """The optimum of each block: moves + HELD_BACK * held back."""
        if not self.ends:
            return []
        a = csr_matrix((self.val, (self.row, self.col)),
                       shape=(len(self.least), len(self.cost)))
        # Its presolve is wrong now and then (HiGHS 1.2: a table that obeys every line is
        # "infeasible"), and does not pay for blocks as small as these.
        done = milp(np.array(self.cost), integrality=np.array(self.integer),
                    bounds=Bounds(0, np.array(self.upper)),
                    constraints=LinearConstraint(a, self.least, self.most),
                    options={"mip_rel_gap": 0, "presolve": False})
        if done.x is None:
            raise SystemExit(f"HiGHS: {done.message}")
        worth = done.x * self.cost
        out, start = [], 0
        for end, replicas in self.ends:
            best = replicas + worth[start:end].sum()
            if abs(best - round(best)) > 1e-4:
                raise SystemExit(f"HiGHS: an optimum of {best} is no whole number")
            out.append(round(best))
            start = end
        return out
