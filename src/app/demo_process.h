/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_process.h -- a process of the demo's own: started, watched, ended by
 * its id. It dies with the demo, however that ends, unless it is to be kept.
 */
#ifndef MCOS_APP_DEMO_PROCESS_H
#define MCOS_APP_DEMO_PROCESS_H

#include "mcos/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MC_DEMO_PATH_MAX    512u
#define MC_PROCESS_ARGS_MAX 40u

struct mc_process {
    const char *name; /* lent; of its log too: NAME.log in the demo's folder */
    pid_t pid;        /* 0: not running */
};

/* All borrowed for the call. */
struct mc_process_how {
    const char *folder;      /* the demo's: the log is there, and it runs there */
    const char *const *args; /* the program's path first; NULL at the end */
    const char *const *env;  /* "NAME=value", NULL at the end; NULL: ours */
    bool keep;
};

/* Starts the process; does not wait for it. Fails with IO. */
int mc_process_start(struct mc_process *process, const struct mc_process_how *how,
                     struct mcos_diag *diag);

/* Sends the signal and waits for its end; three seconds later it is killed. */
void mc_process_end(struct mc_process *process, int number);

/* Whether it runs; a process that ended by itself is no longer ours to end. */
bool mc_process_runs(struct mc_process *process);

/* The last lines of its log, on stderr. */
void mc_process_print_log(const struct mc_process *process, const char *folder);

/*
 * Runs a program to its end, its output (both) into dst, cut at cap and
 * NUL-terminated. True if it ended well within the time; else it is killed.
 */
bool mc_process_ask(const char *const *args, char *dst, size_t cap, uint32_t within_ms);

#endif /* MCOS_APP_DEMO_PROCESS_H */
