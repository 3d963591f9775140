# SPDX-License-Identifier: Apache-2.0
"""libmcos as ctypes sees it: the structs and functions of mcos/resolver.h.

Nothing here is promised; `mcos` is. The library is `libmcos.so.0` where the system finds
it, or what MCOS_LIBRARY names.
"""
from __future__ import annotations

import ctypes
import os
from ctypes import (POINTER, Structure, c_char, c_char_p, c_int, c_int32, c_int64, c_long,
                    c_longlong, c_size_t, c_uint, c_uint8, c_uint16, c_uint32, c_uint64,
                    c_void_p)

REPLICAS_MAX = 16
HANDOFFS_MAX = 1000
DIGEST_BYTES = 32
NONE = 0xFFFFFFFF
KEEP_PREVIOUS = 1
ACTIVE_FIRST = 1


class Diag(Structure):
    _fields_ = [("field", c_char * 128), ("line", c_long), ("offset", c_longlong),
                ("text", c_char * 256)]


class Options(Structure):
    _fields_ = [("size", c_size_t), ("system", c_char_p), ("swift_conf", c_char_p),
                ("poll_ms", c_uint32), ("timeout_ms", c_uint32), ("flags", c_uint32)]


class ViewInfo(Structure):
    _fields_ = [("ring", c_char_p), ("version", c_uint64), ("timestamp", c_uint64),
                ("epoch", c_uint32), ("deleted", c_uint32),
                ("digest", c_uint8 * DIGEST_BYTES), ("partitions", c_uint32),
                ("stride", c_uint32), ("assignments", c_uint64),
                ("device_slots", c_uint32), ("hash", c_uint32), ("stamp", c_char_p),
                ("source", c_char_p), ("reserved", c_uint64 * 4)]


class Bytes(Structure):
    _fields_ = [("ptr", c_char_p), ("len", c_size_t)]


class Key(Structure):
    _fields_ = [("account", Bytes), ("container", Bytes), ("object", Bytes)]


class Answer(Structure):
    _fields_ = [("version", c_uint64), ("epoch", c_uint32), ("partition", c_uint32),
                ("device_count", c_uint32), ("devices", c_uint32 * REPLICAS_MAX),
                ("states", c_uint8 * REPLICAS_MAX), ("digest", c_uint8 * DIGEST_BYTES),
                ("checked_at", c_int64), ("confirmed_at", c_int64),
                ("reserved", c_uint64 * 2)]


class Device(Structure):
    _fields_ = [("id", c_uint32), ("state", c_uint32), ("weight", c_uint64),
                ("port", c_uint16), ("replication_port", c_uint16),
                ("reserved", c_uint32), ("name", c_char_p), ("cluster", c_char_p),
                ("region", c_char_p), ("zone", c_char_p), ("host", c_char_p),
                ("replication_host", c_char_p), ("device", c_char_p), ("meta", c_char_p)]


class RingStats(Structure):
    _fields_ = [("looks", c_uint64), ("adopted", c_uint64), ("missing", c_uint64),
                ("away", c_uint64), ("damaged", c_uint64), ("older", c_uint64),
                ("foreign", c_uint64), ("unread", c_uint64), ("spoilt", c_uint64),
                ("views", c_uint64), ("unclaimed", c_uint64), ("adopted_at", c_int64),
                ("checked_at", c_int64), ("confirmed_at", c_int64), ("error", c_int32),
                ("source", c_uint32), ("trouble", c_char * 256),
                ("reserved", c_uint64 * 8)]


_lib = ctypes.CDLL(os.environ.get("MCOS_LIBRARY", "libmcos.so.0"))


def _function(name: str, result: object, *arguments: object) -> ctypes._NamedFuncPointer:
    function: ctypes._NamedFuncPointer = getattr(_lib, name)
    function.restype = result  # type: ignore[assignment]
    function.argtypes = arguments  # type: ignore[assignment]
    return function


err_slug = _function("mcos_err_slug", c_char_p, c_int)
err_text = _function("mcos_err_text", c_char_p, c_int)
err_classify = _function("mcos_err_classify", c_int, c_int)
resolver_open = _function("mcos_resolver_open", c_int, c_char_p, POINTER(Options),
                          POINTER(c_void_p), POINTER(Diag))
resolver_close = _function("mcos_resolver_close", None, c_void_p)
resolver_ring = _function("mcos_resolver_ring", c_int, c_void_p, c_char_p,
                          POINTER(c_void_p), POINTER(Diag))
ring_wait = _function("mcos_ring_wait", c_int, c_void_p, c_uint32, POINTER(Diag))
ring_hold = _function("mcos_ring_hold", c_void_p, c_void_p)
ring_stats = _function("mcos_ring_stats", None, c_void_p, POINTER(RingStats))
view_release = _function("mcos_view_release", None, c_void_p)
view_info = _function("mcos_view_info", POINTER(ViewInfo), c_void_p)
view_previous = _function("mcos_view_previous", c_void_p, c_void_p)
view_lookup = _function("mcos_view_lookup", c_int, c_void_p, POINTER(Key), c_uint,
                        POINTER(Answer))
view_partition = _function("mcos_view_partition", c_int, c_void_p, c_uint32, c_uint,
                           POINTER(Answer))
view_lookup_many = _function("mcos_view_lookup_many", c_int, c_void_p, c_void_p, c_size_t,
                             c_void_p, c_void_p)
view_handoffs = _function("mcos_view_handoffs", c_int, c_void_p, c_uint32, c_size_t,
                          c_void_p)
view_device = _function("mcos_view_device", c_int, c_void_p, c_uint32, POINTER(Device))
