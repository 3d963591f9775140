/* SPDX-License-Identifier: Apache-2.0 */
/* lib/chain_text.c -- which adapter for which place. */
#include "lib/chain_text.h"

#include "adapter/curl/source.h"
#include "adapter/file/source.h"
#include "adapter/memcached/source.h"
#include "base/system.h"

#include <string.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int open_file(const char *address, const struct mc_chain_way *way,
                     struct mc_source **ret_source, struct mcos_diag *diag)
{
    const char *path = address + strlen("file:");

    (void)way;
    if (path[0] == '\0')
        return mcos_diag_set(diag, MCOS_E_CONFIG, address,
                             "file: needs an agent's data folder");
    return mc_file_source_open(path, ret_source);
}

static int open_memcached(const char *address, const struct mc_chain_way *way,
                          struct mc_source **ret_source, struct mcos_diag *diag)
{
    struct mc_memcached_config config;
    struct mcos_diag why = {.offset = -1};
    int err = mc_memcached_address_parse(address, &config.address, &why);

    if (err != 0)
        return mcos_diag_set(diag, err, address, "\"%.100s\" is no place: %.120s",
                             address, why.text);
    mc_system_id(way->system, config.system);
    return mc_memcached_source_open(&config, ret_source);
}

static int open_agent(const char *address, const struct mc_chain_way *way,
                      struct mc_source **ret_source, struct mcos_diag *diag)
{
    int err = mc_agent_source_open(address, way->timeout_ms, ret_source, diag);

    return err == MCOS_E_USAGE ? MCOS_E_CONFIG : err;
}

static const struct {
    const char *scheme;
    int (*open)(const char *address, const struct mc_chain_way *way,
                struct mc_source **ret_source, struct mcos_diag *diag);
} schemes[] = {
    {"file:", open_file},
    {"memcached:", open_memcached},
    {"http:", open_agent},
    {"unix:", open_agent},
};

static int add_place(struct mc_chain *chain, const char *address,
                     const struct mc_chain_way *way, struct mcos_diag *diag)
{
    struct mcos_diag why = {.offset = -1};
    struct mc_source *source = NULL;
    int err = MCOS_E_CONFIG;
    size_t i = 0;

    while (i < sizeof(schemes) / sizeof(schemes[0]) &&
           !begins(address, schemes[i].scheme))
        i++;
    if (i == sizeof(schemes) / sizeof(schemes[0]))
        return mcos_diag_set(diag, err, address,
                             "\"%.100s\" is no place: file:FOLDER, "
                             "memcached://HOST, http://HOST:PORT or unix:PATH",
                             address);
    err = schemes[i].open(address, way, &source, &why);
    if (err != 0)
        return mcos_diag_set(diag, err, address, "%s", why.text);
    err = mc_chain_add(chain, source, address);
    if (err == MCOS_E_TOOBIG)
        return mcos_diag_set(diag, MCOS_E_CONFIG, address, "more than %u places",
                             MCOS_SOURCES_MAX);
    return err;
}

int mc_chain_open(struct mc_chain *chain, const char *text,
                  const struct mc_chain_way *way, struct mcos_diag *diag)
{
    char address[MC_CHAIN_TEXT_MAX + 1];
    int err = 0;

    if (strlen(text) > MC_CHAIN_TEXT_MAX)
        return mcos_diag_set(diag, MCOS_E_CONFIG, "chain", "longer than %u characters",
                             MC_CHAIN_TEXT_MAX);
    for (;;) {
        size_t n = strcspn(text, ",");

        memcpy(address, text, n);
        address[n] = '\0';
        if (n == 0)
            return mcos_diag_set(diag, MCOS_E_CONFIG, "chain", "a place is missing");
        err = add_place(chain, address, way, diag);
        if (err != 0 || text[n] == '\0')
            return err;
        text += n + 1;
    }
}
