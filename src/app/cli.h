/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/cli.h -- one run of `mcos`: what every command is given.
 *
 * A command returns its exit status (0, 1, 5, 130), or a negative MCOS_E_*
 * after filling cli->diag or cli->api.problem; main says it and exits.
 */
#ifndef MCOS_APP_CLI_H
#define MCOS_APP_CLI_H

#include "app/api.h"
#include "app/args.h"
#include "app/out.h"

#include <stdio.h>

#define MC_EXIT_NO      1 /* the answer is no */
#define MC_EXIT_USAGE   2
#define MC_EXIT_WAITING 5 /* accepted, not yet everywhere */

struct mc_cli {
    char *const *argv; /* the process's own */
    struct mc_args args;
    struct mc_out out;
    const char *server;
    bool server_default; /* nobody named it */
    uint32_t timeout_ms;
    bool yes;
    bool no_input;
    struct mc_api api; /* client is NULL until mc_cli_connect */
    struct mcos_diag diag;
};

extern const struct mc_command mc_cli_commands[];
extern const struct mc_opt mc_cli_globals[];

/* Set to the signal's number by SIGINT, SIGTERM or SIGHUP after mc_cli_catch(). */
extern volatile sig_atomic_t mc_cli_signal;
void mc_cli_catch(void);

/* The value of an option, "" for a switch, NULL if not given. */
const char *mc_cli_opt(const struct mc_cli *cli, const char *name);
bool mc_cli_has(const struct mc_cli *cli, const char *name);

/* Makes cli->api ready. Fails with USAGE, NOMEM. */
int mc_cli_connect(struct mc_cli *cli);

/* A ring name, checked before a request is made of it. Fails with NAME. */
int mc_cli_ring_name(struct mc_cli *cli, const char *name);

int mc_cmd_cluster_list(struct mc_cli *cli);
int mc_cmd_demo(struct mc_cli *cli);
int mc_cmd_help(struct mc_cli *cli);
int mc_cmd_lookup(struct mc_cli *cli);
int mc_cmd_matrix(struct mc_cli *cli);
int mc_cmd_ring_build(struct mc_cli *cli);
int mc_cmd_ring_create(struct mc_cli *cli);
int mc_cmd_ring_delete(struct mc_cli *cli);
int mc_cmd_ring_export(struct mc_cli *cli);
int mc_cmd_ring_import(struct mc_cli *cli);
int mc_cmd_ring_list(struct mc_cli *cli);
int mc_cmd_ring_plan(struct mc_cli *cli);
int mc_cmd_ring_show(struct mc_cli *cli);
int mc_cmd_ring_update(struct mc_cli *cli);
int mc_cmd_status(struct mc_cli *cli);
int mc_cmd_version(struct mc_cli *cli);

/* Help of everything, of a noun or of a command. */
void mc_help_all(FILE *to);
void mc_help_noun(FILE *to, const char *noun_of); /* a command's name of that noun */
void mc_help_command(FILE *to, const struct mc_command *command);
/* One document of the commands whose names begin with these words; "": of all. */
int mc_help_json(const char *words);

#endif /* MCOS_APP_CLI_H */
