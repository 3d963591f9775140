# SPDX-License-Identifier: Apache-2.0
"""Where does this name live? Rings, kept fresh for you, by libmcos.

    import mcos

    with mcos.Resolver("file:/var/lib/mcosd/eu,http://127.0.0.1:8471") as resolver:
        photos = resolver.ring("photos")
        answer = photos.lookup("AUTH_me", "cats", "1.jpg", active_first=True)
        for device in answer.devices:
            print(device.name, device.cluster, device.host)

A `Resolver` follows a chain of places where a cluster keeps its rings, notices changes by
itself and keeps the last good version through every outage. A `View` is one version, held;
what is asked of it agrees. Everything may be used from any thread, and after a fork: the
child's resolvers open themselves anew when they are first used. Misuse raises; it never
crashes.

Names are str (taken as UTF-8) or bytes. Times are nanoseconds since 1970, 0: never.
`mcos.swift.Ring` has the methods of swift.common.ring.Ring. docs/lib.md says more.
"""
from .errors import Closed, Error
from .resolver import Resolver, Ring
from .values import Answer, Device, Info, State, Stats
from .view import Batch, View

__all__ = ["Answer", "Batch", "Closed", "Device", "Error", "Info", "Resolver", "Ring", "State",
           "Stats", "View"]
