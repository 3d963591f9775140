/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/glance.h -- which file a ring was read from, so that one look at its
 * inode tells whether it is still that one.
 *
 * A file that somebody writes into gets another time; one that the medium forgot
 * keeps it. So this stands in for reading only for a while.
 */
#ifndef MCOS_ADAPTER_FILE_GLANCE_H
#define MCOS_ADAPTER_FILE_GLANCE_H

#include "ring/ring.h"

#include <sys/types.h>
#include <time.h>

/* A file changed less than this ago may be changed again within the same tick of the
 * kernel's clock: its times tell nothing yet. */
#define MC_GLANCE_FRESH_MS 20

struct mc_glance {
    struct mc_name ring; /* first: sorted by it */
    uint8_t digest[MC_DIGEST_BYTES];
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec written;
    struct timespec changed;
};

struct mc_glances {
    struct mc_glance *list; /* sorted by ring */
    size_t count;
    size_t cap;
};

void mc_glances_fini(struct mc_glances *glances);

/* How the file is now, before it is read. False if it is missing (dirfd may be -1) or
 * too fresh. */
bool mc_glance_take(int dirfd, const char *file, struct mc_glance *ret_glance);

/* Remembers that the record with this head was read after `glance` was taken; NULL:
 * forgets the ring. Best effort: what is not remembered is read. */
void mc_glances_note(struct mc_glances *glances, const struct mc_name *ring,
                     const struct mc_glance *glance, const struct mc_head *head);

/* Is the file still the one that was read? digest (NULL: any): and was that record in
 * it? */
bool mc_glances_same(const struct mc_glances *glances, const struct mc_name *ring,
                     int dirfd, const char *file, const uint8_t *digest);

#endif /* MCOS_ADAPTER_FILE_GLANCE_H */
