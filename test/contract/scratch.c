/* SPDX-License-Identifier: Apache-2.0 */
/* contract/scratch.c -- making and removing a test's folder. */
#include "contract/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool scratch_make(char path[SCRATCH_MAX])
{
    /* In memory if there is such a place: sweeps sync thousands of times. */
    bool memory = access("/dev/shm", W_OK | X_OK) == 0;

    (void)snprintf(path, SCRATCH_MAX, "%s/mcos-test-XXXXXX",
                   memory ? "/dev/shm" : "/tmp");
    return mkdtemp(path) != NULL;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

void scratch_remove(const char *path)
{
    (void)nftw(path, drop, 16, FTW_DEPTH | FTW_PHYS);
}
