# SPDX-License-Identifier: Apache-2.0
"""A ring with the methods of OpenStack Swift's swift.common.ring.Ring.

    from mcos.swift import Ring

    ring = Ring("/var/lib/mcosd/eu", "object", swift_conf="/etc/swift/swift.conf")
    part, nodes = ring.get_nodes("AUTH_me", "cats", "1.jpg")

Answers are Swift's, node for node, handoffs included. What is other:

- It follows the ring by itself: each call is answered by the version in force then, and
  `reload_time` is of no use. `has_changed` says that the next call's version is another one
  than the last call's.
- `get_more_nodes` ends after 1000 handoffs.
- `region` and `zone` are Swift's numbers where our texts are numbers; other texts get the
  smallest that is free, as `mcos ring export-swift` gives them. (The export knows the
  regions and zones of removed devices too, this does not: numbers that were given may differ
  once a region's last device was removed. What is in Swift's files keeps its numbers.)
- `version` is the record's; `md5`, `size` and `raw_size` are of a file that there is not:
  `md5` is None, the others 0. `stamp` and `digest` say which version it is.
- A ring that hashes with xxh3 is served too; Swift itself has none.
- What fails raises mcos.Error, not RingLoadError.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from . import _lib
from .resolver import Resolver
from .values import Device
from .view import Name, View

Node = dict[str, Any]

_SCHEMES = ("file:", "memcached:", "http:", "unix:")
_SWIFT_CONF = "/etc/swift/swift.conf"
_FEW = 32  # handoffs that are found at once, before all


def _numbers(texts: list[str]) -> dict[str, int]:
    """Numbers for regions or zones, given in the order in which devices name them."""
    known = {text: int(text) for text in texts
             if text.isascii() and text.isdigit() and str(int(text)) == text
             and int(text) < 2 ** 31}
    taken, given, free = set(known.values()), dict(known), 1
    for text in texts:
        if text in given:
            continue
        while free in taken:
            free += 1
        given[text] = free
        free += 1
    return given


class _Version:
    """A view with its devices as Swift has them."""

    def __init__(self, view: View) -> None:
        self.view = view
        devices = list(view.devices())
        regions = _numbers([d.region for d in devices])
        zones = _numbers([d.zone for d in devices])
        self.devs: list[Node | None] = [None] * view.info.device_slots
        for d in devices:
            self.devs[d.id] = {
                "id": d.id, "region": regions[d.region], "zone": zones[d.zone], "ip": d.host,
                "port": d.port, "device": d.device or d.name, "weight": d.weight,
                "meta": d.meta, "replication_ip": d.replication_host or d.host,
                "replication_port": d.replication_port or d.port}

    def node(self, device: Device) -> Node:
        node = self.devs[device.id]
        assert node is not None
        return node


class Ring:
    """swift.common.ring.Ring over libmcos.

    serialized_path   a chain ("file:/var/lib/mcosd/eu,http://127.0.0.1:8471"), or the data
                      folder of an agent
    reload_time       not used
    ring_name         the ring's name
    swift_conf        with Swift's hash prefix and suffix; by default /etc/swift/swift.conf,
                      if there is one
    timeout           seconds to wait for the ring at first

    Raises Error as Resolver and Resolver.ring do, and what Ring.wait does.
    """

    def __init__(self, serialized_path: str | os.PathLike[str], ring_name: str | None = None,
                 reload_time: float | None = None, *,
                 swift_conf: str | os.PathLike[str] | None = None,
                 timeout: float = 5.0, system: str = "mcos", poll_ms: int = 0) -> None:
        chain = os.fspath(serialized_path)
        if not chain.startswith(_SCHEMES):
            chain = f"file:{chain}"
        if ring_name is None:
            raise TypeError("a ring_name is needed")
        if swift_conf is None and os.path.exists(_SWIFT_CONF):
            swift_conf = _SWIFT_CONF
        self.serialized_path = chain
        self._resolver = Resolver(chain, system=system, swift_conf=swift_conf,
                                  poll_ms=poll_ms)
        try:
            self._ring = self._resolver.ring(ring_name)
            self._ring.wait(timeout)
            self._last = _Version(self._ring.view())
        except BaseException:
            self._resolver.close()
            raise

    def close(self) -> None:
        """Ends it; Swift's has none."""
        self._resolver.close()

    def _now(self) -> _Version:
        """The version in force. Of a deleted ring the last one that had nodes stays, as
        Swift's does when its file is gone."""
        view, last = self._ring.view(), self._last
        if view is last.view or view.info.deleted:
            return last
        self._last = _Version(view)
        return self._last

    # ---- names and partitions ----

    def get_part(self, account: Name, container: Name | None = None,
                 obj: Name | None = None) -> int:
        """The partition of a name."""
        return self._now().view.lookup(account, container, obj).partition

    @staticmethod
    def _part_nodes(version: _Version, devices: tuple[Device, ...]) -> list[Node]:
        distinct = {device.id: device for device in devices}.values()
        return [dict(version.node(device), index=i) for i, device in enumerate(distinct)]

    def get_part_nodes(self, part: int) -> list[Node]:
        """The nodes of a partition, each once; none if there is no such partition."""
        version = self._now()
        if not 0 <= part < version.view.info.partitions:
            return []
        return self._part_nodes(version, version.view.partition(part).devices)

    def get_nodes(self, account: Name, container: Name | None = None,
                  obj: Name | None = None) -> tuple[int, list[Node]]:
        """(partition, nodes) of a name, of one version."""
        version = self._now()
        answer = version.view.lookup(account, container, obj)
        return answer.partition, self._part_nodes(version, answer.devices)

    def get_more_nodes(self, part: int) -> Iterator[Node]:
        """Nodes to use when those of a partition are away, in Swift's order."""
        version = self._now()
        done = 0
        for want in (_FEW, _lib.HANDOFFS_MAX):
            devices = version.view.handoffs(part, want)
            for device in devices[done:]:
                yield dict(version.node(device), handoff_index=done)
                done += 1
            if len(devices) < want:
                return

    # ---- the ring ----

    def has_changed(self) -> bool:
        """Whether another version is in force than the one that answered last."""
        view = self._ring.view()
        return view is not self._last.view and not view.info.deleted

    @property
    def devs(self) -> list[Node | None]:
        """Devices by id; None where there is none."""
        return self._now().devs

    @property
    def replica_count(self) -> float:
        """How many replicas a partition has; 2.5: half of them have three."""
        info = self._now().view.info
        return info.assignments / info.partitions

    @property
    def partition_count(self) -> int:
        """How many partitions there are."""
        return self._now().view.info.partitions

    @property
    def part_power(self) -> int:
        """There are 2 to this power."""
        return self.partition_count.bit_length() - 1

    @property
    def device_count(self) -> int:
        """How many devices there are."""
        return sum(dev is not None for dev in self.devs)

    @property
    def weighted_device_count(self) -> int:
        """How many of them have weight."""
        return sum(dev is not None and dev["weight"] > 0 for dev in self.devs)

    @property
    def assigned_device_count(self) -> int:
        """How many of them hold something."""
        view = self._now().view
        holds = {d.id for d in view.partition(0).devices}
        handoffs = view.handoffs(0, _lib.HANDOFFS_MAX)
        holds.update(d.id for d in handoffs)
        if len(handoffs) == _lib.HANDOFFS_MAX:  # there may be more
            for part in range(view.info.partitions):
                holds.update(d.id for d in view.partition(part).devices)
        return len(holds)

    @property
    def version(self) -> int:
        """Of the record."""
        return self._now().view.info.version

    @property
    def stamp(self) -> str:
        """Version and digest as people see them."""
        return self._now().view.info.stamp

    @property
    def digest(self) -> str:
        """SHA-256 of the record, in hexadecimal digits."""
        return self._now().view.info.digest.hex()

    @property
    def next_part_power(self) -> int | None:
        """None: a part power that is being raised is not known here."""
        return None

    @property
    def md5(self) -> str | None:
        """None: there is no .ring.gz."""
        return None

    @property
    def size(self) -> int:
        """0: there is no .ring.gz."""
        return 0

    @property
    def raw_size(self) -> int:
        """0: there is no .ring.gz."""
        return 0
