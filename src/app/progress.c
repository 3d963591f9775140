/* SPDX-License-Identifier: Apache-2.0 */
/* app/progress.c -- a bar on a terminal. */
#include "app/progress.h"

#include "app/api.h"

#include <stdio.h>

#define FIRST_MS  1000u
#define REDRAW_MS 200u
#define CELLS     20u

void mc_bar_begin(struct mc_bar *bar, const struct mc_out *out, const char *what)
{
    *bar = (struct mc_bar){.out = out, .what = what, .start_ms = mc_api_now_ms()};
}

/* Is it time to draw? */
static bool is_due(struct mc_bar *bar)
{
    const struct mc_out *out = bar->out;
    uint64_t now = mc_api_now_ms();

    if (!out->live_err || out->quiet || out->plain || out->json ||
        now - bar->start_ms < FIRST_MS || now - bar->drawn_ms < REDRAW_MS)
        return false;
    bar->drawn_ms = now;
    bar->shown = true;
    return true;
}

static double seconds(const struct mc_bar *bar)
{
    return (double)(bar->drawn_ms - bar->start_ms) / 1000;
}

void mc_bar_tell(struct mc_bar *bar, unsigned thousandths)
{
    unsigned full;

    bar->most = thousandths > bar->most ? thousandths : bar->most;
    if (!is_due(bar))
        return;
    full = bar->most * CELLS / 1000;
    (void)fprintf(stderr, "\r\033[K%.40s  [", bar->what);
    for (unsigned i = 0; i < CELLS; i++)
        (void)fputc(i < full ? '#' : '-', stderr);
    (void)fprintf(stderr, "]  %u %%  %.1f s", bar->most / 10, seconds(bar));
    (void)fflush(stderr);
}

void mc_bar_wait(struct mc_bar *bar)
{
    if (!is_due(bar))
        return;
    (void)fprintf(stderr, "\r\033[K%.60s  %.1f s", bar->what, seconds(bar));
    (void)fflush(stderr);
}

void mc_bar_end(struct mc_bar *bar)
{
    if (bar->shown)
        (void)fputs("\r\033[K", stderr);
    bar->shown = false;
}
