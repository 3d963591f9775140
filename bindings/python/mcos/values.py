# SPDX-License-Identifier: Apache-2.0
"""What is answered: values that borrow nothing and never change."""
from __future__ import annotations

import dataclasses
import enum


class State(enum.IntEnum):
    """How the cluster of a device is, as far as this cluster's agent knows."""

    UNKNOWN = 0  # no such cluster, or nobody told
    ACTIVE = 1
    SILENT = 2  # INACTIVE: not heard
    LEFT = 3  # INACTIVE: it said so


@dataclasses.dataclass(frozen=True)
class Device:
    """What holds replicas. Texts are "" when not given, ports 0."""

    id: int
    name: str
    cluster: str
    state: State
    region: str
    zone: str
    host: str
    port: int
    device: str
    weight: float
    meta: str
    replication_host: str
    replication_port: int


@dataclasses.dataclass(frozen=True)
class Info:
    """Which version of a ring a view is."""

    ring: str
    version: int
    epoch: int
    digest: bytes
    #: Version and digest as people see them: "v7.91d0aa02".
    stamp: str
    #: When it was made.
    timestamp: int
    #: The ring was deleted, and has no placement.
    deleted: bool
    partitions: int
    #: Replicas of a partition at most.
    stride: int
    #: Replicas in all.
    assignments: int
    #: Ids are below this.
    device_slots: int
    #: "xxh3" or "swift-md5".
    hash: str
    #: The place in the chain that it came from.
    source: str


@dataclasses.dataclass(frozen=True)
class Answer:
    """Where a name lives."""

    partition: int
    devices: tuple[Device, ...]
    #: Of the ring that answered.
    version: int
    epoch: int
    digest: bytes
    #: When a place last said that this version is in force.
    checked_at: int
    #: When the agent last heard a cluster that holds all the same; 0: nobody told.
    confirmed_at: int


@dataclasses.dataclass(frozen=True)
class Stats:
    """What happened to a ring since it is followed: counts of looks, by outcome."""

    looks: int
    adopted: int
    missing: int
    away: int
    damaged: int
    older: int
    foreign: int
    unread: int
    spoilt: int
    views: int
    unclaimed: int
    adopted_at: int
    checked_at: int
    confirmed_at: int
    #: Slug of what the last look failed with, or "".
    error: str
    #: What that was about.
    trouble: str
    #: Number of the place in the chain that gave what is in force, or None.
    source: int | None
