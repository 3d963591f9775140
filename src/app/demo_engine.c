/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_engine.c -- RabbitMQ, Redis and memcached for the length of a demo. */
#include "app/demo_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Debian's wrappers in /usr/sbin change user and folder; this is what they call. */
#define RABBITMQ "/usr/lib/rabbitmq/bin/rabbitmq-server"

/* Below the ports that the kernel hands out to those who connect: who connects again
 * and again to one of those while nobody listens may meet himself there. */
#define PORT_FIRST 10240u
#define PORT_COUNT 20000u
#define PORT_TRIES 200u

#define COOKIE_BYTES 16u
#define ENV_MAX      24u
#define ENV_TEXT     8192u

/* ---- programs ---- */

/* The place of a program in PATH; "" if it is not there. */
static void find_program(const char *name, char dst[MC_DEMO_PATH_MAX])
{
    const char *at = getenv("PATH");

    while (at != NULL && at[0] != '\0') {
        size_t len = strcspn(at, ":");

        (void)snprintf(dst, MC_DEMO_PATH_MAX, "%.*s/%s", (int)len, at, name);
        if (dst[0] == '/' && access(dst, X_OK) == 0)
            return;
        at += len + (at[len] == ':');
    }
    dst[0] = '\0';
}

int mc_engines_find(struct mc_engines *engines, const char *here,
                    struct mcos_diag *diag)
{
    char erl[MC_DEMO_PATH_MAX];
    const struct {
        const char *name;
        char *path;
    } wanted[] = {{"redis-server", engines->redis_server},
                  {"redis-cli", engines->redis_cli},
                  {"memcached", engines->memcached},
                  {"epmd", engines->epmd},
                  {"erl", erl}};
    char missing[160] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        find_program(wanted[i].name, wanted[i].path);
        if (wanted[i].path[0] == '\0')
            used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
                                     used == 0 ? "" : ", ", wanted[i].name);
    }
    if (access(RABBITMQ, X_OK) != 0)
        used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s",
                                 used == 0 ? "" : ", ", RABBITMQ);
    if (used > 0)
        return mcos_diag_set(diag, MCOS_E_NOTFOUND, "",
                             "the full demo needs programs that are not here: %s; in "
                             "the source tree `make demo-full` installs them and runs "
                             "it",
                             missing);
    (void)snprintf(engines->module, sizeof(engines->module),
                   "%.400s/../../module/redis/mcos.so", here);
    if (access(engines->module, R_OK) != 0)
        (void)snprintf(engines->module, sizeof(engines->module), "%s", MC_REDIS_MODULE);
    if (access(engines->module, R_OK) != 0)
        return mcos_diag_set(
            diag, MCOS_E_NOTFOUND, "",
            "the full demo needs mcos.so, in %.180s/../../module/redis "
            "or at %s: `make` builds it",
            here, MC_REDIS_MODULE);
    return 0;
}

/* ---- places ---- */

/* Holds a port that nobody has, or returns -1. */
static int hold_port(unsigned *ret_port)
{
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        uint32_t random;
        int fd;

        if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
            return -1;
        *ret_port = PORT_FIRST + random % PORT_COUNT;
        at.sin_port = htons((uint16_t)*ret_port);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
            return fd;
        (void)close(fd);
    }
    return -1;
}

/* Three of them, held together so that they are distinct, then let go. */
static int pick_ports(struct mc_engines *engines, struct mcos_diag *diag)
{
    unsigned *ports[] = {&engines->bus_port, &engines->dist_port, &engines->epmd_port};
    int fds[3];
    size_t count = 0;

    while (count < 3 && (fds[count] = hold_port(ports[count])) >= 0)
        count++;
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
    if (count == 3)
        return 0;
    return mcos_diag_set(diag, MCOS_E_IO, "", "no free port on 127.0.0.1");
}

static int __attribute__((format(printf, 4, 5)))
write_file(const char *folder, const char *name, struct mcos_diag *diag,
           const char *fmt, ...)
{
    char path[MC_DEMO_PATH_MAX + 64];
    va_list args;
    FILE *f;
    int n = -1;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wxe");
    if (f != NULL) {
        va_start(args, fmt);
        n = vfprintf(f, fmt, args);
        va_end(args);
        n = fchmod(fileno(f), 0400) != 0 ? -1 : n;
        n = fclose(f) != 0 ? -1 : n;
    }
    if (n >= 0)
        return 0;
    return mcos_diag_set(diag, MCOS_E_IO, "", "%.180s: %s", path, strerror(errno));
}

static int make_folder(const char *folder, const char *name, struct mcos_diag *diag)
{
    char path[MC_DEMO_PATH_MAX + 64];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (mkdir(path, 0700) == 0)
        return 0;
    return mcos_diag_set(diag, MCOS_E_IO, "", "%.180s: %s", path, strerror(errno));
}

/* RabbitMQ keeps to what it is told here and reads nothing of the machine's own. */
static int place_bus(struct mc_engines *engines, struct mcos_diag *diag)
{
    char folder[MC_DEMO_PATH_MAX + 16];
    char cookie[2 * COOKIE_BYTES + 1] = "";
    uint8_t random[COOKIE_BYTES];
    int err;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return mcos_diag_set(diag, MCOS_E_IO, "", "no random numbers");
    for (size_t i = 0; i < COOKIE_BYTES; i++)
        (void)snprintf(cookie + 2 * i, 3, "%02x", random[i]);
    err = make_folder(engines->folder, "rabbitmq", diag);
    (void)snprintf(folder, sizeof(folder), "%.480s/rabbitmq", engines->folder);
    if (err == 0) /* who has it may do anything in the Erlang node */
        err = write_file(folder, ".erlang.cookie", diag, "%s", cookie);
    if (err == 0)
        err = write_file(folder, "rabbitmq-env.conf", diag, "%s", "");
    if (err == 0)
        err = write_file(folder, "enabled_plugins", diag, "[].\n");
    if (err == 0)
        err = write_file(folder, "rabbitmq.conf", diag,
                         "listeners.tcp.default = 127.0.0.1:%u\n"
                         "disk_free_limit.absolute = 50MB\n",
                         engines->bus_port);
    return err;
}

int mc_engines_place(struct mc_engines *engines, const char *folder,
                     const char *const names[MC_ENGINE_SITES], struct mcos_diag *diag)
{
    int err;

    engines->folder = folder;
    for (unsigned i = 0; i < MC_ENGINES; i++)
        engines->list[i].process.name = engines->list[i].name;
    (void)snprintf(engines->list[MC_ENGINE_EPMD].name, 48, "epmd");
    (void)snprintf(engines->list[MC_ENGINE_BUS].name, 48, "rabbitmq");
    for (unsigned n = 1; n <= MC_ENGINE_SITES; n++) {
        struct mc_engine *redis = &engines->list[MC_ENGINE_REDIS(n)];
        struct mc_engine *cache = &engines->list[MC_ENGINE_CACHE(n)];

        (void)snprintf(redis->name, sizeof(redis->name), "%s.redis", names[n - 1]);
        (void)snprintf(cache->name, sizeof(cache->name), "%s.cache", names[n - 1]);
        (void)snprintf(redis->socket, sizeof(redis->socket), "%s/%s", folder,
                       redis->name);
        (void)snprintf(cache->socket, sizeof(cache->socket), "%s/%s", folder,
                       cache->name);
    }
    err = pick_ports(engines, diag);
    return err == 0 ? place_bus(engines, diag) : err;
}

/* ---- start ---- */

static int start(struct mc_engines *engines, unsigned which, const char *const *args,
                 const char *const *env, struct mcos_diag *diag)
{
    return mc_process_start(
        &engines->list[which].process,
        &(struct mc_process_how){
            .folder = engines->folder, .args = args, .env = env, .keep = engines->keep},
        diag);
}

/* In the foreground: one that Erlang starts by itself becomes a daemon and stays. */
static int start_epmd(struct mc_engines *engines, struct mcos_diag *diag)
{
    char port[16];
    const char *args[] = {engines->epmd, "-port", port, "-address", "127.0.0.1", NULL};

    (void)snprintf(port, sizeof(port), "%u", engines->epmd_port);
    return start(engines, MC_ENGINE_EPMD, args, NULL, diag);
}

struct env {
    const char *vars[ENV_MAX];
    size_t count;
    char text[ENV_TEXT];
    size_t used;
};

static void __attribute__((format(printf, 2, 3)))
put_env(struct env *env, const char *fmt, ...)
{
    size_t room = sizeof(env->text) - env->used;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(env->text + env->used, room, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room || env->count + 1 >= ENV_MAX)
        return; /* too long a PATH: the broker will not start, and its log says why */
    env->vars[env->count++] = env->text + env->used;
    env->used += (size_t)n + 1;
}

static int start_bus(struct mc_engines *engines, struct mcos_diag *diag)
{
    const char *args[] = {RABBITMQ, NULL};
    const char *tmp = getenv("TMPDIR");
    char at[MC_DEMO_PATH_MAX + 16];
    struct env *env = calloc(1, sizeof(*env));
    int err;

    if (env == NULL)
        return MCOS_E_NOMEM;
    (void)snprintf(at, sizeof(at), "%.480s/rabbitmq", engines->folder);
    put_env(env, "PATH=%s", getenv("PATH"));
    put_env(env, "LANG=C.UTF-8");
    put_env(env, "TMPDIR=%s", tmp == NULL ? "/tmp" : tmp);
    put_env(env, "HOME=%s", at);
    put_env(env, "RABBITMQ_CONF_ENV_FILE=%s/rabbitmq-env.conf", at);
    put_env(env, "RABBITMQ_NODENAME=mcos-demo@localhost");
    put_env(env, "RABBITMQ_MNESIA_BASE=%s/mnesia", at);
    put_env(env, "RABBITMQ_LOG_BASE=%s/log", at);
    put_env(env, "RABBITMQ_PID_FILE=%s/pid", at);
    put_env(env, "RABBITMQ_ENABLED_PLUGINS_FILE=%s/enabled_plugins", at);
    put_env(env, "RABBITMQ_CONFIG_FILE=%s/rabbitmq.conf", at);
    put_env(env, "RABBITMQ_FEATURE_FLAGS_FILE=%s/feature_flags", at);
    put_env(env, "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1");
    put_env(env, "RABBITMQ_NODE_PORT=%u", engines->bus_port);
    put_env(env, "RABBITMQ_DIST_PORT=%u", engines->dist_port);
    put_env(env, "ERL_EPMD_PORT=%u", engines->epmd_port);
    put_env(env, "ERL_EPMD_ADDRESS=127.0.0.1");
    /* With it the script becomes the Erlang machine; without, it would stand between
     * us and that, and a signal to one would not reach the other. */
    put_env(env, "RABBITMQ_ALLOW_INPUT=1");
    put_env(env, "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-noinput -kernel "
                 "inet_dist_use_interface {127,0,0,1} +sbwt none");
    err = start(engines, MC_ENGINE_BUS, args, env->vars, diag);
    free(env);
    return err;
}

static int start_redis(struct mc_engines *engines, unsigned which,
                       struct mcos_diag *diag)
{
    const char *args[] = {engines->redis_server,
                          "--port",
                          "0",
                          "--unixsocket",
                          engines->list[which].socket,
                          "--dir",
                          engines->folder,
                          "--save",
                          "",
                          "--appendonly",
                          "no",
                          "--daemonize",
                          "no",
                          "--loadmodule",
                          engines->module,
                          NULL};

    return start(engines, which, args, NULL, diag);
}

static int start_cache(struct mc_engines *engines, unsigned which,
                       struct mcos_diag *diag)
{
    const char *args[] = {engines->memcached,
                          "-s",
                          engines->list[which].socket,
                          "-m",
                          "64",
                          "-u",
                          "root",
                          NULL};

    if (geteuid() != 0) /* root alone is asked to be somebody else */
        args[5] = NULL;
    (void)unlink(engines->list[which].socket);
    return start(engines, which, args, NULL, diag);
}

int mc_engine_start(struct mc_engines *engines, unsigned which, struct mcos_diag *diag)
{
    if (which == MC_ENGINE_EPMD)
        return start_epmd(engines, diag);
    if (which == MC_ENGINE_BUS)
        return start_bus(engines, diag);
    if (which <= MC_ENGINE_REDIS(MC_ENGINE_SITES))
        return start_redis(engines, which, diag);
    return start_cache(engines, which, diag);
}

/* ---- asking, ending ---- */

static bool talk(int fd, const struct sockaddr *to, socklen_t to_len, const char *say,
                 size_t len, char expect)
{
    const struct timeval second = {.tv_sec = 1};
    char answer = '\0';
    bool yes;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
    yes = connect(fd, to, to_len) == 0 &&
          send(fd, say, len, MSG_NOSIGNAL) == (ssize_t)len &&
          recv(fd, &answer, 1, 0) == 1 && answer == expect;
    (void)close(fd);
    return yes;
}

static bool talk_port(unsigned port, const char *say, size_t len, char expect)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd >= 0 &&
           talk(fd, (const struct sockaddr *)&to, sizeof(to), say, len, expect);
}

static bool talk_socket(const char *path, const char *say, char expect)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%.107s", path);
    return fd >= 0 &&
           talk(fd, (const struct sockaddr *)&to, sizeof(to), say, strlen(say), expect);
}

bool mc_engine_answers(struct mc_engines *engines, unsigned which)
{
    if (which == MC_ENGINE_EPMD) /* NAMES_REQ; the answer begins with its port */
        return talk_port(engines->epmd_port, "\0\1n", 3, '\0');
    if (which == MC_ENGINE_BUS)
        return talk_port(engines->bus_port, "AMQP\0\0\x09\x01", 8, '\1');
    if (which <= MC_ENGINE_REDIS(MC_ENGINE_SITES))
        return talk_socket(engines->list[which].socket, "PING\r\n", '+');
    return talk_socket(engines->list[which].socket, "version\r\n", 'V');
}

void mc_engine_kill(struct mc_engines *engines, unsigned which)
{
    mc_process_end(&engines->list[which].process, SIGKILL);
}

void mc_engines_end(struct mc_engines *engines)
{
    /* What they hold goes with the folder: no need to let them tidy up. epmd last. */
    for (unsigned i = MC_ENGINES; engines->used && i-- > 0;)
        mc_engine_kill(engines, i);
}
