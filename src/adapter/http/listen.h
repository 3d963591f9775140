/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/http/listen.h -- one listening socket, loopback or unix, from its text. */
#ifndef MCOS_ADAPTER_HTTP_LISTEN_H
#define MCOS_ADAPTER_HTTP_LISTEN_H

#include "adapter/http/server.h"

#include <sys/types.h>
#include <time.h>

struct mc_listen {
    int fd;     /* non-blocking, listening; -1: none */
    bool local; /* a unix socket */
    char address[MC_HTTP_ADDRESS_MAX];
    dev_t dev; /* of the unix socket's file: only our own is removed */
    ino_t ino; /* numbers are used again, hence the time too */
    struct timespec changed;
};

/* Is it an address that can be listened on? Opens nothing. Fails with CONFIG. */
int mc_listen_check_text(const char *text, struct mcos_diag *diag);

/*
 * A stale unix socket file (nobody answers) is replaced; its mode is 0660.
 * Fails with CONFIG, LOCKED, IO.
 */
int mc_listen_open(const char *text, struct mc_listen *ret_listen,
                   struct mcos_diag *diag);
/* Removes the unix socket's file if it is still ours; does not close the fd, which
 * libmicrohttpd does. */
void mc_listen_remove(struct mc_listen *listen);

/* Is this Host header (name, with or without port) a loopback name? */
bool mc_listen_host_ok(const char *host);

#endif /* MCOS_ADAPTER_HTTP_LISTEN_H */
