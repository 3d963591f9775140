/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/watch.h -- hears that something in a data folder changed.
 *
 * A help, not a promise: the folder may be made later, or be made anew, and on some
 * file systems nothing is told. Who must know looks for himself now and then.
 */
#ifndef MCOS_ADAPTER_FILE_WATCH_H
#define MCOS_ADAPTER_FILE_WATCH_H

#include <stdbool.h>
#include <sys/types.h>

#define MC_WATCH_FOLDERS 2u /* the data folder, and rings in it */

/* Which one is listened to. */
struct mc_watch_folder {
    int wd; /* -1: none */
    dev_t dev;
    ino_t ino;
};

struct mc_watch {
    int fd; /* readable when something changed; -1: nothing can be heard */
    struct mc_watch_folder folder[MC_WATCH_FOLDERS];
    bool deaf; /* a folder is gone, or was not there: mc_watch_again */
};

void mc_watch_init(struct mc_watch *watch);
void mc_watch_fini(struct mc_watch *watch);

/* Listens to the folder at this path as it is now, if it does not yet: it may be
 * another one than the last time. Cheap while nothing was lost. */
void mc_watch_again(struct mc_watch *watch, const char *data);

/* Takes what is there to be heard. True if anything was that a resolver reads. */
bool mc_watch_heard(struct mc_watch *watch);

#endif /* MCOS_ADAPTER_FILE_WATCH_H */
