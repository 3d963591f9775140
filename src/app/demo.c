/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/demo.c -- mcos demo: five clusters on this machine tell the story, on a file
 * or (--full) on RabbitMQ, Redis and memcached.
 *
 * Real processes, real files, a real ring of Swift's. Each step ends in
 * promises that are checked by asking each cluster itself; the first one that
 * is not kept ends the story with exit 1.
 */
#include "app/demo_full.h"

#include <string.h>

/* Waits until the observer's view has caught up, then shows it. */
static void show(struct mc_demo *demo, unsigned observer, unsigned set,
                 const char *ring)
{
    (void)mc_demo_seen(demo, observer, set, ring, MC_DEMO_SOON_MS / 2);
    mc_demo_matrix(&demo->log, &mc_demo_site(demo, observer)->api);
}

/* t: created while one is down; t + delta_t: one joins; t + delta_t_i: one returns. */
static bool first_half(struct mc_demo *demo, struct mc_target *objects)
{
    const unsigned four = MC_SITES_ALL & ~MC_SITE_BIT(5);
    const unsigned three = four & ~MC_SITE_BIT(4);

    mc_demo_step(&demo->log,
                 "four clusters start: eu-west, eu-north, us-east, us-west");
    if (!mc_demo_start(demo, four) || !mc_demo_ready(demo, four, MC_DEMO_SOON_MS) ||
        !mc_demo_state(demo, 1, four & ~MC_SITE_BIT(1), "ACTIVE", MC_DEMO_SOON_MS))
        return false;
    mc_demo_step(&demo->log, "us-west is killed (SIGKILL)");
    mc_process_end(&mc_demo_site(demo, 4)->process, SIGKILL);
    if (!mc_demo_state(demo, 1, MC_SITE_BIT(4), "INACTIVE", MC_DEMO_SOON_MS))
        return false;
    mc_demo_step(&demo->log,
                 "eu-west is asked to create \"objects\": 2^16 partitions, 3 "
                 "replicas, 20 devices");
    mc_demo_say(&demo->log, "its devices are 20 stores, one in each of 20 places; five "
                            "of them are the clusters of this story");
    if (!mc_demo_put_spec(demo, 1, "objects.json", NULL, objects) ||
        !mc_demo_held(demo, three, objects, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, three, objects->ring);
    mc_demo_step(&demo->log, "ap-south joins, with an empty disk");
    if (!mc_demo_start(demo, MC_SITE_BIT(5)) ||
        !mc_demo_held(demo, MC_SITE_BIT(5), objects, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, three | MC_SITE_BIT(5), objects->ring);
    mc_demo_step(&demo->log, "us-west returns");
    if (!mc_demo_start(demo, MC_SITE_BIT(4)) ||
        !mc_demo_held(demo, MC_SITE_BIT(4), objects, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, MC_SITES_ALL, objects->ring);
    return true;
}

/* An update while one is away, then a ring that Swift made. */
static bool second_half(struct mc_demo *demo, struct mc_target *objects,
                        struct mc_target *swift)
{
    const unsigned without_2 = MC_SITES_ALL & ~MC_SITE_BIT(2);

    mc_demo_step(&demo->log, "eu-north is stopped, and says so");
    mc_process_end(&mc_demo_site(demo, 2)->process, SIGTERM);
    if (!mc_demo_state(demo, 3, MC_SITE_BIT(2), "INACTIVE", MC_DEMO_SOON_MS))
        return false;
    mc_demo_step(&demo->log,
                 "us-east is asked to update \"objects\": two devices more, "
                 "one weight raised");
    if (!mc_demo_update(demo, 3, "objects-2.json", objects) ||
        !mc_demo_held(demo, without_2, objects, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, without_2, objects->ring);
    mc_demo_step(&demo->log, "eu-north returns");
    if (!mc_demo_start(demo, MC_SITE_BIT(2)) ||
        !mc_demo_held(demo, MC_SITE_BIT(2), objects, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, MC_SITES_ALL, objects->ring);
    mc_demo_step(&demo->log, "ap-south is asked to import a ring of OpenStack Swift");
    if (!mc_demo_import(demo, 5, swift) ||
        !mc_demo_held(demo, MC_SITES_ALL, swift, MC_DEMO_SOON_MS))
        return false;
    show(demo, 1, MC_SITES_ALL, swift->ring);
    mc_demo_step(&demo->log, "the same names are looked up on every cluster");
    return mc_demo_lookups(demo, objects->ring, false) &&
           mc_demo_lookups(demo, swift->ring, true);
}

static void say_kept(const struct mc_demo *demo)
{
    const struct mc_world *w = &demo->world;

    (void)printf("\nThe clusters are still running; everything is in %s\n"
                 "  export MCOS_SERVER=%s\n"
                 "  %s status\n  %s matrix\n  %s ring show objects --devices\n"
                 "  %s lookup objects AUTH_me holidays beach.jpg --handoffs 2\n"
                 "To end them:\n  kill",
                 w->folder, w->sites[0].server, mc_out_self, mc_out_self, mc_out_self,
                 mc_out_self);
    for (unsigned i = 0; i < MC_DEMO_SITES; i++) {
        if (w->sites[i].process.pid > 0)
            (void)printf(" %ld", (long)w->sites[i].process.pid);
    }
    for (unsigned i = MC_ENGINES; w->engines.used && i-- > 0;) /* epmd last */
        (void)printf(" %ld", (long)w->engines.list[i].process.pid);
    /* The broker needs a moment to end. */
    (void)printf("; %srm -rf %s\n", w->engines.used ? "sleep 3; " : "", w->folder);
}

/* Empty if the demo runs on a file. */
static json_t *engines_doc(const struct mc_engines *engines)
{
    json_t *list = json_array();

    for (unsigned i = 0; engines->used && i < MC_ENGINES; i++) {
        const struct mc_engine *e = &engines->list[i];
        char address[sizeof(e->socket) + 8];

        if (e->socket[0] != '\0')
            (void)snprintf(address, sizeof(address), "unix:%s", e->socket);
        else
            (void)snprintf(address, sizeof(address), "127.0.0.1:%u",
                           i == MC_ENGINE_BUS ? engines->bus_port : engines->epmd_port);
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "engine",
                                                    e->name, "address", address, "pid",
                                                    (int)e->process.pid));
    }
    return list;
}

static json_t *sites_doc(const struct mc_demo *demo)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < MC_DEMO_SITES; i++) {
        const struct mc_site *s = &demo->world.sites[i];

        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "cluster",
                                                    s->name, "server", s->server, "pid",
                                                    (int)s->process.pid));
    }
    return json_pack("{s:s, s:b, s:o, s:o}", "folder", demo->world.folder, "running",
                     (int)demo->world.keep, "clusters", list, "engines",
                     engines_doc(&demo->world.engines));
}

static void say_end(struct mc_demo *demo)
{
    const char *slash = strrchr(mc_out_self, '/');
    int folder_len = slash == NULL ? 0 : (int)(slash + 1 - mc_out_self);

    if (demo->log.out->json)
        return;
    if (demo->log.broken > 0) {
        for (unsigned i = 0; i < MC_DEMO_SITES; i++)
            mc_process_print_log(&demo->world.sites[i].process, demo->world.folder);
        for (unsigned i = 0; i < MC_ENGINES; i++)
            mc_process_print_log(&demo->world.engines.list[i].process,
                                 demo->world.folder);
        (void)fprintf(stderr, "mcos demo: a promise was not kept, see above\n");
        return;
    }
    (void)printf("\n%s every promise kept, %.1f s\n",
                 mc_out_glyph(demo->log.out, MC_GLYPH_OK), mc_demo_log_now(&demo->log));
    if (demo->world.keep)
        say_kept(demo);
    else
        (void)printf("\nGo on with:\n"
                     "  %s demo%s --keep   # the same, and leave it running\n"
                     "  %s ring build --spec %s/objects.json --out objects.ring\n"
                     "  %s lookup --file objects.ring AUTH_me holidays beach.jpg\n"
                     "  %.*smcosd --help   # a cluster of your own\n",
                     mc_out_self, demo->world.engines.used ? " --full" : "",
                     mc_out_self, demo->world.examples, mc_out_self, folder_len,
                     mc_out_self);
}

/* The story, on a file or on the engines; false: it did not come to its end. */
static bool tell(struct mc_demo *demo)
{
    struct mc_target objects = {.ring = "objects"};
    struct mc_target swift = {.ring = "swift-object"};
    bool full = demo->world.engines.used;

    return (!full || mc_full_start(demo)) && first_half(demo, &objects) &&
           second_half(demo, &objects, &swift) &&
           (!full || mc_full_chapters(demo, &objects));
}

int mc_cmd_demo(struct mc_cli *cli)
{
    static struct mc_demo demo;
    int rc;

    mc_cli_catch();
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that goes must not spare the cleaning */
    mc_demo_log_init(&demo.log, &cli->out);
    rc = mc_world_open(&demo.world, mc_cli_has(cli, "keep"), mc_cli_has(cli, "full"),
                       &cli->diag);
    if (rc < 0)
        goto out;
    if (!tell(&demo) && mc_cli_signal == 0 && demo.log.broken == 0)
        mc_demo_promise(&demo.log, false, 0, "the story comes to its end");
    if (mc_cli_signal != 0 || demo.log.broken > 0)
        demo.world.keep = false;
    if (mc_cli_signal != 0) {
        if (cli->out.json)
            (void)mc_demo_log_end(&demo.log, json_pack("{s:b}", "interrupted", 1));
        mc_out_hint(&cli->out,
                    "\nmcos demo: interrupted; what it started is ended, its "
                    "folder removed");
        rc = 128 + mc_cli_signal;
        goto out;
    }
    say_end(&demo);
    rc = mc_demo_log_end(&demo.log, sites_doc(&demo));
    if (rc == 0 && demo.log.broken > 0)
        rc = MC_EXIT_NO;
out:
    mc_world_close(&demo.world);
    mc_demo_log_fini(&demo.log);
    return rc;
}
