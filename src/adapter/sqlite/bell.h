/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/sqlite/bell.h -- one byte written after each commit wakes the others.
 *
 * A file of its own, because watching SQLite's log loses wake-ups. The same byte
 * is written again and again, so the file never grows. Without inotify (there is
 * a limit per user) the bell is deaf: poll instead.
 */
#ifndef MCOS_ADAPTER_SQLITE_BELL_H
#define MCOS_ADAPTER_SQLITE_BELL_H

#include <stdbool.h>

struct mc_bell {
    int poll_fd;  /* readable: something rang or was poked; -1: none */
    int watch_fd; /* inotify, or -1: deaf */
    int poke_fd;  /* this process wakes itself */
    int file_fd;  /* the file we ring, or -1 */
    int watch;
};

/* Cannot fail: what it could not have it does without. */
void mc_bell_init(struct mc_bell *bell);
void mc_bell_fini(struct mc_bell *bell);

/* Opens or makes <path>.bell, again if another one stands there now. Fails with
 * IO: then rings are not heard. */
int mc_bell_attach(struct mc_bell *bell, const char *path);
/* True if there is a bell file: then the file beside it is (or was) ours. */
bool mc_bell_exists(const char *path);

void mc_bell_ring(struct mc_bell *bell);
void mc_bell_poke(struct mc_bell *bell);
/* Takes what came; true if anything did. */
bool mc_bell_drain(struct mc_bell *bell);

#endif /* MCOS_ADAPTER_SQLITE_BELL_H */
