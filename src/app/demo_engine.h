/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo_engine.h -- the engines of the full demo: one RabbitMQ (with the epmd
 * that Erlang wants), and for each cluster a Redis with mcos.so and a memcached.
 *
 * They are private: their files are in the demo's folder, they listen on loopback
 * ports that were free and on unix sockets, and they end with the demo.
 */
#ifndef MCOS_APP_DEMO_ENGINE_H
#define MCOS_APP_DEMO_ENGINE_H

#include "app/demo_process.h"

#define MC_ENGINE_SITES 5u
#define MC_ENGINES      (2u + 2u * MC_ENGINE_SITES)
/* Their places in the list; clusters are counted from 1. */
#define MC_ENGINE_EPMD     0u
#define MC_ENGINE_BUS      1u
#define MC_ENGINE_REDIS(n) (1u + (n))
#define MC_ENGINE_CACHE(n) (1u + MC_ENGINE_SITES + (n))

struct mc_engine {
    struct mc_process process;
    char name[48];
    char socket[MC_DEMO_PATH_MAX + 64]; /* Redis, memcached: the unix socket's path */
};

struct mc_engines {
    bool used; /* false: the demo runs on a file, all else is empty */
    bool keep;
    const char *folder; /* lent: the demo's */
    char redis_server[MC_DEMO_PATH_MAX];
    char redis_cli[MC_DEMO_PATH_MAX];
    char memcached[MC_DEMO_PATH_MAX];
    char epmd[MC_DEMO_PATH_MAX];
    char module[MC_DEMO_PATH_MAX];
    unsigned bus_port; /* RabbitMQ's, for AMQP */
    unsigned dist_port;
    unsigned epmd_port;
    struct mc_engine list[MC_ENGINES];
};

/*
 * Finds the programs and, from the folder of this program, mcos.so. Fails with
 * NOTFOUND; diag names all that are missing and what to do.
 */
int mc_engines_find(struct mc_engines *engines, const char *here,
                    struct mcos_diag *diag);

/* Makes their folders and picks their ports, below a folder (lent). Fails with IO. */
int mc_engines_place(struct mc_engines *engines, const char *folder,
                     const char *const names[MC_ENGINE_SITES], struct mcos_diag *diag);

/* Starts one; does not wait for it. Again after its end: the bus with all it kept,
 * Redis and memcached empty. Fails with IO. */
int mc_engine_start(struct mc_engines *engines, unsigned which, struct mcos_diag *diag);

/* Kills one; afterwards it is gone. */
void mc_engine_kill(struct mc_engines *engines, unsigned which);

/* Whether it answers now, within a second. */
bool mc_engine_answers(struct mc_engines *engines, unsigned which);

/* Ends all that still run. */
void mc_engines_end(struct mc_engines *engines);

#endif /* MCOS_APP_DEMO_ENGINE_H */
