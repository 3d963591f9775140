/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/mcosd.c -- the agent of one cluster: plugs the adapters in and runs the loop.
 */
#include "adapter/file/store.h"
#include "adapter/http/server.h"
#include "adapter/os/clock.h"
#include "adapter/os/loop.h"
#include "adapter/sqlite/bus.h"
#include "adapter/swift/ringgz.h"
#include "adapter/swift/swiftconf.h"
#include "app/config.h"
#include "node/agent.h"
#include "node/routes.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct daemon {
    struct mc_loop_client client; /* first */
    struct mc_config config;
    struct mc_log *log;
    struct mc_store *store;
    struct mc_bus *bus;
    struct mc_agent *agent;
    struct mc_handler *routes;
    struct mc_http_server *http;
    struct mc_loop *loop;
    struct mc_swiftconf *swift_conf;
};
