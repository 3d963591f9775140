/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/file/folder.h -- folders by descriptor: opening, listing, syncing.
 *
 * Every name is relative to an open folder and links are never followed below
 * the data folder, so nothing outside of it can be touched.
 */
#ifndef MCOS_ADAPTER_FILE_FOLDER_H
#define MCOS_ADAPTER_FILE_FOLDER_H

#include "base/limits.h"
#include "mcos/err.h"

#include <stdbool.h>
#include <stddef.h>

#define MC_FOLDER_NAME_MAX 128u /* longer names are not ours */

struct mc_folder_name {
    char s[MC_FOLDER_NAME_MAX];
};

/* FULL, NOMEM or IO from errno, and a sentence: "<what> <name>: <why>". */
int mc_folder_fail(struct mcos_diag *diag, const char *what, const char *name);

/* Opens the data folder; `make` makes the last part of path if it is missing. */
int mc_folder_open(const char *path, bool make, int *ret_fd, struct mcos_diag *diag);

/* Opens a folder inside; NOTFOUND if it is missing and not to be made. */
int mc_folder_sub(int dirfd, const char *name, bool make, int *ret_fd,
                  struct mcos_diag *diag);

void mc_folder_close(int fd); /* -1 is fine */

/* Makes the folder's names durable. */
int mc_folder_sync(int fd, struct mcos_diag *diag);

/* The names inside, sorted, without those too long to be ours; yours (free).
 * dirfd -1 is an empty folder. */
int mc_folder_list(int dirfd, struct mc_folder_name **ret_names, size_t *ret_count,
                   struct mcos_diag *diag);

/* Removes a name; true if it is gone, also when it was not there. */
bool mc_folder_remove(int dirfd, const char *name);

/* The name without its suffix, if that is there and what is left is a ring's name. */
struct mc_name;
bool mc_folder_ring_name(const char *file, const char *suffix, struct mc_name *ret);

/*
 * The folders of one ring, open for the length of one call. What is missing
 * is -1 unless it is made.
 */
struct mc_place {
    int data;
    int rings;
    int versions;  /* of this ring */
    int conflicts; /* of this ring */
    bool fresh;    /* the folder of its versions was made just now, and is empty */
};

/* name NULL: only data and rings. */
int mc_place_open(const char *path, const char *name, bool make,
                  struct mc_place *ret_place, struct mcos_diag *diag);
void mc_place_close(struct mc_place *place);
/* Is there a folder for losers of any ring? Without it there are none. True also if
 * that cannot be told. */
bool mc_place_has_conflicts(const char *path);
/* Makes the names of the ring's versions durable, and that of their folder. */
int mc_place_sync_versions(const struct mc_place *place, struct mcos_diag *diag);
/* Makes and opens the ring's folder of losers, if it is not yet. */
int mc_place_conflicts(struct mc_place *place, const char *name,
                       struct mcos_diag *diag);

#endif /* MCOS_ADAPTER_FILE_FOLDER_H */
