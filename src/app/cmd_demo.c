/* SPDX-License-Identifier: Apache-2.0 */
/* app/cmd_demo.c -- mcos demo: becomes mcos-demo, which stands beside it. */
#include "app/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int mc_cmd_demo(struct mc_cli *cli)
{
    char self[PATH_MAX];
    char demo[PATH_MAX + sizeof("/mcos-demo")];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n < 0)
        return mcos_diag_set(&cli->diag, MCOS_E_IO, "", "/proc/self/exe: %s",
                             strerror(errno));
    self[n] = '\0';
    (void)snprintf(demo, sizeof(demo), "%s/mcos-demo", dirname(self));
    (void)execv(demo, cli->argv);
    return mcos_diag_set(
        &cli->diag, errno == ENOENT ? MCOS_E_NOTFOUND : MCOS_E_IO, "",
        "the demo needs mcos-demo beside mcos, at %.150s: `make` builds it", demo);
}
