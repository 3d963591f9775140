# SPDX-License-Identifier: Apache-2.0
"""A chain that is followed, and its rings."""
from __future__ import annotations

import atexit
import ctypes
import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

from . import _lib
from .errors import Closed, Error, check
from .values import Answer, Device, Stats
from .view import Batch, Name, View, number

_all: weakref.WeakSet[Resolver] = weakref.WeakSet()
_forks = 0  # of this process' ancestors since the module was loaded


def _text(text: str, what: str, wrong: int = -29) -> bytes:
    """As C takes it: without a zero byte, which would end it early."""
    if not isinstance(text, str):
        raise TypeError(f"{what} is a str, not {type(text).__name__}")
    if "\0" in text:
        raise Error(wrong, "a zero byte", what)
    return text.encode(errors="surrogateescape")


class Resolver:
    """Follows a chain: places divided by commas, the best one first.

        file:/var/lib/mcosd/eu      the data folder of an agent on this host: mapped
        memcached://host:11211      the cluster's memcached; or memcached:unix:/path
        http://127.0.0.1:8471       an agent; or unix:/run/mcosd/eu.sock

    None of them needs to be there yet. A context manager; closed at its end, by `close`,
    or when nobody has it or anything of it any more.

    system       name of the system; rings of another one are refused
    swift_conf   file with the hash prefix and suffix, for rings that came from Swift
    poll_ms      between two looks at a place, 10 to 3600000; 0: 1000
    timeout_ms   longest wait for an agent, 10 to 60000; 0: 2000
    keep_previous  each time a ring changes, keep what it was: View.previous

    Raises Error: bad-config (which part of the chain, or which option), not-found and
    store-failed (swift_conf), busy (no thread or descriptor to be had).
    """

    def __init__(self, chain: str, *, system: str = "mcos",
                 swift_conf: str | bytes | os.PathLike[str] | None = None,
                 poll_ms: int = 0, timeout_ms: int = 0, keep_previous: bool = False) -> None:
        self._closed = False
        self._calls = 0  # that go on in C
        self._handle: int | None = None
        self._born = _forks
        self._lock = threading.RLock()  # what is released by the way takes it again
        self._rings: weakref.WeakValueDictionary[str, Ring] = weakref.WeakValueDictionary()
        self._chain = _text(chain, "chain")
        self._options = _lib.Options(
            ctypes.sizeof(_lib.Options), _text(system, "system"),
            None if swift_conf is None else _text(os.fsdecode(swift_conf), "swift_conf"),
            number(poll_ms, _lib.NONE, "poll_ms"), number(timeout_ms, _lib.NONE, "timeout_ms"),
            _lib.KEEP_PREVIOUS if keep_previous else 0)
        self._open()
        _all.add(self)

    def _open(self) -> None:
        handle, diag = ctypes.c_void_p(), _lib.Diag()
        check(_lib.resolver_open(self._chain, self._options, handle, diag), diag)
        self._handle = handle.value
        self._born = _forks

    # ---- open as long as somebody is inside ----

    def _check(self) -> None:
        if self._closed:
            raise Closed("the resolver was closed")

    def _enter(self) -> int:
        """Its handle in C. In the child of a fork the parent's is of no use: anew."""
        with self._lock:
            self._check()
            if self._born != _forks:
                self._open()
            self._calls += 1
            assert self._handle is not None
            return self._handle

    def _leave(self) -> None:
        with self._lock:
            self._calls -= 1
            last = self._closed and self._calls == 0
        if last:
            self._end()

    def _end(self) -> None:
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            _lib.resolver_close(handle)

    def close(self) -> None:
        """Ends it; its rings and views raise Closed from now on. What other threads are
        waiting for goes on to its end, and the last of them closes it."""
        with self._lock:
            last = not self._closed and self._calls == 0
            self._closed = True
        if last:
            self._end()

    def __enter__(self) -> Resolver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_lock"):
            self.close()

    def ring(self, name: str) -> Ring:
        """Follows a ring from now on; waits for the first look at the chain. The same name
        gives the same ring. That no place has it yet is no error.

        Raises Error: bad-name, busy (4096 are followed)."""
        with self._lock:
            self._check()
            ring = self._rings.get(name)
        if ring is None:
            ring = Ring(self, name)
            with self._lock:
                ring = self._rings.setdefault(name, ring)
        return ring


class Ring:
    """One ring by its name, whatever version it is at; from `Resolver.ring`.

    Its look-ups are those of the version in force. Ask a view (`hold`) what must agree."""

    def __init__(self, resolver: Resolver, name: str) -> None:
        self.name = name
        self._resolver = resolver
        self._pointer: int | None = None
        self._born = -1
        self._last: View | None = None
        self._enter()
        resolver._leave()

    def _enter(self) -> int:
        """Its pointer in C, of the resolver as it is opened now."""
        handle = self._resolver._enter()
        if self._born == self._resolver._born and self._pointer is not None:
            return self._pointer
        try:
            pointer, diag = ctypes.c_void_p(), _lib.Diag()
            check(_lib.resolver_ring(handle, _text(self.name, "name", -8), pointer, diag), diag)
            assert pointer.value is not None
            self._pointer, self._born = pointer.value, self._resolver._born
            return pointer.value
        except BaseException:
            self._resolver._leave()
            raise

    def wait(self, timeout: float = 5.0) -> None:
        """Waits until the ring can be held, at most `timeout` seconds.

        Raises Error with what stands against it: not-found (no place has it), unreachable
        (none answers), bad-digest, bad-format, upgrade-needed … (what is there is no good
        ring); its text says which place and why."""
        if not isinstance(timeout, (int, float)):
            raise TypeError(f"timeout is a number, not {type(timeout).__name__}")
        if not 0 <= timeout <= _lib.NONE / 1000:
            raise Error(-9, f"timeout is {timeout}, must be 0 to {_lib.NONE // 1000}", "timeout")
        ms = int(timeout * 1000)
        pointer, diag = self._enter(), _lib.Diag()
        try:
            check(_lib.ring_wait(pointer, ms, diag), diag)
        finally:
            self._resolver._leave()

    def hold(self) -> View:
        """The version in force, held. Raises what `wait` does if there never was one."""
        return View(self._resolver, self._hold())

    def _hold(self) -> int:
        pointer = self._enter()
        try:
            held: int | None = _lib.ring_hold(pointer)
            if held is None:
                diag = _lib.Diag()
                check(_lib.ring_wait(pointer, 0, diag), diag)
                held = _lib.ring_hold(pointer)  # it has come this moment
            assert held is not None
            return held
        finally:
            self._resolver._leave()

    def view(self) -> View:
        """The version in force, shared: not to be released, and kept until the next call
        finds another one. Raises what `hold` does."""
        held, last = self._hold(), self._last
        if last is not None and last._pointer == held and not last._released:
            with self._resolver._lock:
                if self._resolver._handle is not None:
                    _lib.view_release(held)  # once is enough
            return last
        self._last = View(self._resolver, held)
        return self._last

    def lookup(self, account: Name, container: Name | None = None, obj: Name | None = None, *,
               active_first: bool = False) -> Answer:
        """Where a name lives now: `View.lookup` of the version in force."""
        return self.view().lookup(account, container, obj, active_first=active_first)

    def lookup_many(self, names: Iterable[Sequence[Name | None]]) -> Batch:
        """Many at once, all by one version: `View.lookup_many`."""
        return self.view().lookup_many(names)

    def handoffs(self, partition: int, want: int = 8) -> tuple[Device, ...]:
        """`View.handoffs` of the version in force."""
        return self.view().handoffs(partition, want)

    def devices(self) -> Iterator[Device]:
        """`View.devices` of the version in force."""
        return self.view().devices()

    def stats(self) -> Stats:
        """What happened since it is followed."""
        c = _lib.RingStats()
        pointer = self._enter()
        try:
            _lib.ring_stats(pointer, c)
        finally:
            self._resolver._leave()
        same = {name: getattr(c, name) for name in (
            "looks", "adopted", "missing", "away", "damaged", "older", "foreign", "unread",
            "spoilt", "views", "unclaimed", "adopted_at", "checked_at", "confirmed_at")}
        return Stats(**same, error=_lib.err_slug(c.error).decode() if c.error else "",
                     trouble=c.trouble.decode(errors="replace"),
                     source=None if c.source == _lib.NONE else c.source)


def _after_fork() -> None:
    """Of the parent's threads none is here: nobody is inside, and no lock is held."""
    global _forks
    _forks += 1
    for resolver in list(_all):
        resolver._lock = threading.RLock()
        resolver._calls = 0


def _at_exit() -> None:
    """The library's thread ends before what it uses is taken down."""
    for resolver in list(_all):
        resolver.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)
