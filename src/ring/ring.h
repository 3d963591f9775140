/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring/ring.h -- an immutable ring: a decoded record, ready to be asked.
 *
 * Made from canonical bytes, which it holds by reference and never copies; the
 * table is used in place. Reference-counted; any number of threads may read.
 */
#ifndef MCOS_RING_RING_H
#define MCOS_RING_RING_H

#include "base/blob.h"
#include "ring/record.h"

struct mc_ring;

/* How much to check of the bytes, beyond the head, the bounds and the meaning. */
enum mc_ring_check {
    MC_CHECK_NONE,   /* made in this process a moment ago */
    MC_CHECK_XXH3,   /* from our own file: fast */
    MC_CHECK_SHA256, /* from outside */
    /*
     * From our own file, only to look names up in (docs/adr/0013): XXH3 of what
     * look-ups need. The table's meaning is not checked, so an id may be of no device;
     * of the builder section nothing is read but an embedded secret: no ancestors, no
     * last moves. mc_ring_device_find finds nothing.
     */
    MC_CHECK_LOOKUP,
};

/*
 * Opens a record. Takes its own reference to blob. Meaning is checked, unless it is
 * said otherwise above:
 * sizes agree, every id in the table names a device slot that is not removed,
 * every row's devices are distinct, row lengths are what `assignments` says,
 * device names are distinct, no must-understand extra that we do not know.
 * Trailing bytes after record_bytes are refused. Any input is safe.
 *
 * Fails with FORMAT, UPGRADE, TOOBIG, NAME, VALUE, DEVICE, DIGEST, NOMEM.
 */
int mc_ring_open(struct mc_blob *blob, enum mc_ring_check check,
                 struct mc_ring **ret_ring, struct mcos_diag *diag);

struct mc_ring *mc_ring_ref(struct mc_ring *ring);
void mc_ring_unref(struct mc_ring *ring); /* NULL is fine */
/* True if the caller's reference is the only one: nobody else can get one then. */
bool mc_ring_alone(const struct mc_ring *ring);

/* All lent by the ring. */
const struct mc_head *mc_ring_head(const struct mc_ring *ring);
struct mc_blob *mc_ring_blob(const struct mc_ring *ring);
const struct mc_builder_info *mc_ring_builder(const struct mc_ring *ring);
struct mc_bytes mc_ring_extra(const struct mc_ring *ring);
/* Slot id, 0 .. device_count - 1; removed devices included. NULL beyond. */
const struct mc_device *mc_ring_device(const struct mc_ring *ring, uint32_t id);
/* The device of that name that is not removed, or MC_DEVICE_NONE. */
uint32_t mc_ring_device_find(const struct mc_ring *ring, const char *name);

uint32_t mc_ring_part_count(const struct mc_ring *ring); /* 0 for a tombstone */
/* The devices of a partition in row order, absent ones left out; how many (0..16). */
unsigned mc_ring_row(const struct mc_ring *ring, uint32_t part,
                     uint32_t ids[MC_REPLICAS_MAX]);
/* The device in one place of the table, or MC_DEVICE_NONE. */
uint32_t mc_ring_at(const struct mc_ring *ring, uint32_t part, unsigned replica);
/* All places: part_count * stride ids, partition-major. */
void mc_ring_ids(const struct mc_ring *ring, uint32_t *to);

/*
 * Harm of holding `old` where `now` is meant: of the assignments of `now`, how
 * many put a replica on a device (by name) where old has none. Both are counted
 * per partition of `now`; where old has fewer, each stands for those it is split
 * into, as a name is found by it. A ring of more partitions than `now` differs wholly.
 */
uint64_t mc_ring_divergence(const struct mc_ring *old, const struct mc_ring *now);

/*
 * How `b` descends from the record (epoch, version, digest): it is the record
 * itself, the record is among its parents or ancestors, surely not, or its
 * ancestors do not reach back that far.
 */
enum mc_descent { MC_DESCENT_SAME, MC_DESCENT_YES, MC_DESCENT_NO, MC_DESCENT_UNKNOWN };
enum mc_descent mc_ring_descends(const struct mc_ring *b, const struct mc_head *a);

#endif /* MCOS_RING_RING_H */
