/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adapter/os/loop.h -- the process's one loop, over libuv: wait for a file
 * descriptor, a moment or a signal, then take a turn.
 */
#ifndef MCOS_ADAPTER_OS_LOOP_H
#define MCOS_ADAPTER_OS_LOOP_H

#include <stdint.h>

#define MC_LOOP_FDS_MAX 16u

struct mc_loop;

struct mc_loop_client {
    /* Does what is to be done; returns in how many ms at the latest it wants
     * to be called again. */
    uint64_t (*turn)(struct mc_loop_client *client);
    /* SIGTERM or SIGINT came. The loop goes on until mc_loop_end(); it ends at once
     * when another one comes. */
    void (*stop)(struct mc_loop_client *client);
};

/* client is borrowed for the loop's life. *ret_loop is yours. Fails with NOMEM, IO. */
int mc_loop_new(struct mc_loop_client *client, struct mc_loop **ret_loop);
/* A turn is taken whenever fd is readable; fd stays the caller's. Fails with BUSY, IO.
 */
int mc_loop_watch(struct mc_loop *loop, int fd);
/* Until mc_loop_end(), or a second signal. */
void mc_loop_run(struct mc_loop *loop);
void mc_loop_end(struct mc_loop *loop);
/* Waits for the jobs that have begun (adapter/os/worker.h). NULL is fine. */
void mc_loop_free(struct mc_loop *loop);

#endif /* MCOS_ADAPTER_OS_LOOP_H */
