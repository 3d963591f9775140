# SPDX-License-Identifier: Apache-2.0
"""One version of a ring, held."""
from __future__ import annotations

import ctypes
import itertools
from array import array
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, overload

from . import _lib
from .errors import Closed, Error, check
from .values import Answer, Device, Info, State

if TYPE_CHECKING:
    from .resolver import Resolver

Name = str | bytes
_WORD = next(code for code in "ILQ" if array(code).itemsize == ctypes.sizeof(ctypes.c_size_t))
_NUMBER = next(code for code in "IL" if array(code).itemsize == 4)
_HASHES = {1: "xxh3", 2: "swift-md5"}
_ABSENT = ((b"", b"", b""), (b"", b""), (b"",), ())


def part_bytes(part: Name | None) -> bytes:
    """A part of a name as bytes; None is absent."""
    if isinstance(part, str):
        return part.encode()
    if part is None:
        return b""
    if isinstance(part, bytes):
        return part
    raise TypeError(f"a name is str or bytes, not {type(part).__name__}")


def number(value: int, most: int, what: str) -> int:
    """A number that C takes as it is."""
    if not isinstance(value, int):
        raise TypeError(f"{what} is a number, not {type(value).__name__}")
    if not 0 <= value <= most:
        raise Error(-9, f"{what} is {value}, must be 0 to {most}", what)
    return value


class Batch(Sequence["tuple[int | None, tuple[int, ...]]"]):
    """What a look-up of many names says: item i is (partition, ids) of name i; partition is
    None where the name has no account, or an object without container.

    `partitions` and `devices` have the same without an object for each answer: ids of name
    i are devices[i * info.stride:(i + 1) * info.stride]; NONE fills what is empty.
    """

    NONE = _lib.NONE

    def __init__(self, info: Info, partitions: array[int], devices: array[int]) -> None:
        self.info = info
        self.partitions = partitions
        self.devices = devices

    def __len__(self) -> int:
        return len(self.partitions)

    @overload
    def __getitem__(self, i: int) -> tuple[int | None, tuple[int, ...]]: ...
    @overload
    def __getitem__(self, i: slice) -> list[tuple[int | None, tuple[int, ...]]]: ...

    def __getitem__(self, i: int | slice) -> (
            tuple[int | None, tuple[int, ...]] | list[tuple[int | None, tuple[int, ...]]]):
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        partition = self.partitions[i]
        if partition == self.NONE:
            return None, ()
        stride = self.info.stride
        at = (i if i >= 0 else i + len(self)) * stride
        return partition, tuple(d for d in self.devices[at:at + stride] if d != self.NONE)


class View:
    """One version of a ring with the clusters' states, from `Ring.hold`; it never changes.

    A context manager; released at its end, by `release` or when nobody has it any more.
    Hold one for a request or a batch, not for hours: its ring's memory is kept so long.
    """

    def __init__(self, resolver: Resolver, pointer: int, root: View | None = None) -> None:
        self._resolver = resolver
        self._pointer = pointer
        self._root = root or self  # what is held: a previous one is part of another
        self._calls = 0  # of those that go on in C; of the root
        self._released = False
        self._known: dict[int, Device] = {}
        self._told: Info | None = None

    # ---- held as long as somebody is inside ----

    def _enter(self) -> None:
        root = self._root
        with self._resolver._lock:
            self._resolver._check()
            if root._released:
                raise Closed("the view was released")
            self._resolver._calls += 1
            root._calls += 1

    def _leave(self) -> None:
        root = self._root
        with self._resolver._lock:
            root._calls -= 1
            if root._released and root._calls == 0:
                root._give_back()
        self._resolver._leave()

    def _give_back(self) -> None:
        """Under the lock. What a closed resolver had is gone already."""
        if self._resolver._handle is not None:
            _lib.view_release(self._pointer)

    def release(self) -> None:
        """Gives it back, once; what is under way in other threads ends first."""
        if self._root is not self:
            return  # the root's to give back
        with self._resolver._lock:
            if self._released:
                return
            self._released = True
            if self._calls == 0:
                self._give_back()

    def __enter__(self) -> View:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()

    # ---- which version ----

    @property
    def info(self) -> Info:
        """Which version it is, and its size."""
        if self._told is not None and not self._root._released:
            self._resolver._check()
            return self._told
        self._enter()
        try:
            c = _lib.view_info(self._pointer).contents
            self._told = Info(ring=c.ring.decode(), version=c.version, epoch=c.epoch,
                              digest=bytes(c.digest), stamp=c.stamp.decode(),
                              timestamp=c.timestamp, deleted=c.deleted != 0,
                              partitions=c.partitions, stride=c.stride,
                              assignments=c.assignments, device_slots=c.device_slots,
                              hash=_HASHES.get(c.hash, ""), source=c.source.decode())
        finally:
            self._leave()
        return self._told

    @property
    def previous(self) -> View | None:
        """With keep_previous: the version that was in force before this one, to read there
        what has not moved yet; it is good as long as this view is. None: there is none."""
        self._enter()
        try:
            pointer = _lib.view_previous(self._pointer)
        finally:
            self._leave()
        return None if pointer is None else View(self._resolver, pointer, self._root)

    # ---- look-ups ----

    def lookup(self, account: Name, container: Name | None = None, obj: Name | None = None, *,
               active_first: bool = False) -> Answer:
        """Where a name lives. A part that is empty is absent.

        Raises Error: bad-value (no account, or an object without container), deleted,
        secret-needed (the ring hashes with Swift's prefix and suffix, and swift_conf is
        missing or another one's), bad-digest (somebody wrote into the mapped file)."""
        a, c, o = part_bytes(account), part_bytes(container), part_bytes(obj)
        key = _lib.Key((a, len(a)), (c, len(c)), (o, len(o)))
        answer = _lib.Answer()
        self._enter()
        try:
            check(_lib.view_lookup(self._pointer, key,
                                   _lib.ACTIVE_FIRST if active_first else 0, answer))
            return self._answer(answer)
        finally:
            self._leave()

    def partition(self, partition: int, *, active_first: bool = False) -> Answer:
        """The same of a partition. Raises Error: bad-value (there is no such), deleted,
        bad-digest."""
        number(partition, _lib.NONE, "partition")
        answer = _lib.Answer()
        self._enter()
        try:
            check(_lib.view_partition(self._pointer, partition,
                                      _lib.ACTIVE_FIRST if active_first else 0, answer))
            return self._answer(answer)
        finally:
            self._leave()

    def _answer(self, c: _lib.Answer) -> Answer:
        return Answer(partition=c.partition,
                      devices=tuple(map(self._device, c.devices[:c.device_count])),
                      version=c.version, epoch=c.epoch, digest=bytes(c.digest),
                      checked_at=c.checked_at, confirmed_at=c.confirmed_at)

    def lookup_many(self, names: Iterable[Sequence[Name | None]]) -> Batch:
        """Many at once, several times quicker than one by one: names are tuples of account,
        container and object, the last two if there are any.

        Raises Error: deleted, secret-needed, bad-digest."""
        parts: list[bytes] = []
        for name in names:
            if isinstance(name, (str, bytes)) or not 1 <= len(name) <= 3:
                raise TypeError(f"a name is (account, container, object), not {name!r}")
            parts.extend(map(part_bytes, name))
            parts.extend(_ABSENT[len(name)])
        count = len(parts) // 3
        text = b"".join(parts)
        base = ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0
        lengths = array(_WORD, map(len, parts))
        keys = array(_WORD, bytes(2 * len(parts) * lengths.itemsize))
        keys[0::2] = array(_WORD, itertools.islice(
            itertools.accumulate(lengths, initial=base), len(parts)))
        keys[1::2] = lengths
        info = self.info
        partitions = array(_NUMBER, bytes(4 * count))
        devices = array(_NUMBER, bytes(4 * count * info.stride))
        self._enter()
        try:
            check(_lib.view_lookup_many(self._pointer, keys.buffer_info()[0], count,
                                        partitions.buffer_info()[0],
                                        devices.buffer_info()[0]))
        finally:
            self._leave()
        return Batch(info, partitions, devices)

    def handoffs(self, partition: int, want: int = 8) -> tuple[Device, ...]:
        """Up to `want` (at most 1000) devices to use when those of a partition are away, in
        Swift's order. Raises Error: bad-value, deleted, bad-digest."""
        number(partition, _lib.NONE, "partition")
        number(want, _lib.HANDOFFS_MAX, "want")
        ids = (ctypes.c_uint32 * max(want, 1))()
        self._enter()
        try:
            count = check(_lib.view_handoffs(self._pointer, partition, want,
                                             ctypes.addressof(ids)))
            return tuple(map(self._device, ids[:count]))
        finally:
            self._leave()

    # ---- devices ----

    def device(self, id: int) -> Device:
        """A device by its id. Raises Error: not-found, bad-digest."""
        number(id, _lib.NONE, "id")
        self._enter()
        try:
            return self._device(id)
        finally:
            self._leave()

    def devices(self) -> Iterator[Device]:
        """All there are, by id; removed ones are left out."""
        for id in range(self.info.device_slots):
            try:
                device = self.device(id)
            except Error as error:
                if error.slug != "not-found":
                    raise
            else:
                yield device

    def _device(self, id: int) -> Device:
        """Inside. One object for each, as many answers share them."""
        known = self._known.get(id)
        if known is not None:
            return known
        c = _lib.Device()
        check(_lib.view_device(self._pointer, id, c))
        device = Device(id=id, name=c.name.decode(), cluster=c.cluster.decode(),
                        state=State(c.state), region=c.region.decode(),
                        zone=c.zone.decode(), host=c.host.decode(), port=c.port,
                        device=c.device.decode(), weight=c.weight / 1e6,
                        meta=c.meta.decode(), replication_host=c.replication_host.decode(),
                        replication_port=c.replication_port)
        self._known[id] = device
        return device
