/* SPDX-License-Identifier: Apache-2.0 */
/* app/cli.c -- what every command of `mcos` is given. */
#include "app/cli.h"

#include "base/name.h"

#define CONNECT_MS 3000u /* for an agent that was started a moment ago */

volatile sig_atomic_t mc_cli_signal;

const char *mc_cli_opt(const struct mc_cli *cli, const char *name)
{
    return mc_args_get(&cli->args, name);
}

bool mc_cli_has(const struct mc_cli *cli, const char *name)
{
    return mc_args_get(&cli->args, name) != NULL;
}

int mc_cli_connect(struct mc_cli *cli)
{
    int rc = mc_api_init(&cli->api, cli->server, cli->timeout_ms);

    cli->api.stop = &mc_cli_signal;
    cli->api.out = &cli->out;
    cli->api.connect_ms = cli->timeout_ms < CONNECT_MS ? cli->timeout_ms : CONNECT_MS;
    return rc;
}

int mc_cli_ring_name(struct mc_cli *cli, const char *name)
{
    if (mc_name_ok(name))
        return 0;
    return mcos_diag_set(
        &cli->diag, MCOS_E_NAME, "name",
        "\"%.80s\" is no ring name: a letter a-z or a digit first, then "
        "up to 63 of a-z, 0-9, _ and -",
        name);
}

static void on_signal(int number)
{
    mc_cli_signal = number;
}

void mc_cli_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &action, NULL); /* nohup stays what it is */
}
