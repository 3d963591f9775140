/* SPDX-License-Identifier: Apache-2.0 */
/* sim/stage.c -- what a play can make happen. */
#include "sim/stage.h"

#include "sim/check.h"
#include "sim/rings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef bool statement_fn(struct sim_stage *stage, const struct sim_statement *st);

void sim_stage_fini(struct sim_stage *stage)
{
    sim_world_free(stage->world);
    stage->world = NULL;
}

/* Calls `each` for every machine of "c1,c2". */
static bool for_sites(struct sim_stage *stage, const char *list,
                      void (*each)(struct sim_site *site))
{
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ",");
        struct sim_site *site = sim_word_site(stage, list, len);

        if (site == NULL)
            return sim_stage_wrong(stage, "no machine %.*s", (int)len, list);
        each(site);
        list += len + (list[len] == ',');
    }
    return true;
}

static bool mode_of(const char *text, enum mc_announce_mode *ret)
{
    static const char *const names[] = {"auto", "full", "digest"};

    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum mc_announce_mode)i;
            return true;
        }
    }
    return false;
}

static bool do_clusters(struct sim_stage *stage, const struct sim_statement *st)
{
    struct sim_world_config config = sim_world_defaults(1);
    const char *interval = sim_word_value(st, "interval");
    const char *inactive = sim_word_value(st, "inactive");
    const char *mode = sim_word_value(st, "mode");
    const char *seed = sim_word_value(st, "seed");
    const char *power = sim_word_value(st, "power");
    uint64_t n = 0;
    uint64_t number = 0;
    int64_t ms = 0;

    if (stage->world != NULL)
        return sim_stage_wrong(stage, "clusters may be said once");
    if (st->count < 2 || !sim_word_number(st->words[1], &n) || n > config.site_max)
        return sim_stage_wrong(stage, "how many clusters? At most %u", config.site_max);
    if (seed != NULL && !sim_word_number(seed, &config.seed))
        return sim_stage_wrong(stage, "seed=%s", seed);
    if (power != NULL) {
        if (!sim_word_number(power, &number) || number > SIM_PART_POWER_MAX)
            return sim_stage_wrong(stage, "power=%s", power);
        config.part_power = (unsigned)number;
    }
    if (interval != NULL) {
        if (!sim_word_ms(interval, &ms) || ms <= 0)
            return sim_stage_wrong(stage, "interval=%s", interval);
        config.machine.announce_interval_ms = (uint32_t)ms;
        config.machine.inactive_after_ms = (uint32_t)(3 * ms);
    }
    if (inactive != NULL) {
        if (!sim_word_ms(inactive, &ms) || ms <= 0)
            return sim_stage_wrong(stage, "inactive=%s", inactive);
        config.machine.inactive_after_ms = (uint32_t)ms;
    }
    if (mode != NULL && !mode_of(mode, &config.machine.announce))
        return sim_stage_wrong(stage, "mode=%s", mode);
    if (stage->change_mode)
        config.machine.announce = stage->mode;
    stage->world = sim_world_new(&config);
    stage->world->trace.show = stage->show;
    stage->world->trace.ctx = stage->ctx;
    for (uint32_t i = 0; i < n; i++)
        sim_site_start(sim_world_site(stage->world, i));
    return true;
}

/* ---- machines ---- */

static void restart(struct sim_site *site)
{
    sim_site_kill(site);
    sim_site_start(site);
}

static void wipe(struct sim_site *site)
{
    sim_site_kill(site);
    sim_site_wipe(site);
}

static void restore(struct sim_site *site)
{
    sim_site_kill(site);
    sim_site_restore(site);
}

static bool do_machine(struct sim_stage *stage, const struct sim_statement *st)
{
    static const struct {
        const char *word;
        void (*each)(struct sim_site *site);
    } acts[] = {{"backup", sim_site_backup}, {"join", sim_site_start},
                {"kill", sim_site_kill},     {"restart", restart},
                {"restore", restore},        {"start", sim_site_start},
                {"stop", sim_site_stop},     {"wipe", wipe}};

    if (st->count != 2)
        return sim_stage_wrong(stage, "%s: which machines?", st->words[0]);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(st->words[0], acts[i].word) == 0)
            return for_sites(stage, st->words[1], acts[i].each);
    }
    return sim_stage_wrong(stage, "no word %s", st->words[0]);
}

static void upgrade(struct sim_site *site)
{
    sim_site_change_version(site, SIM_NEXT, true);
}

static void downgrade(struct sim_site *site)
{
    sim_site_change_version(site, SIM_PRESENT, true);
}

/* upgrade c1,c2 (each stops and starts as the next version), downgrade c1 */
static bool do_version(struct sim_stage *stage, const struct sim_statement *st)
{
    bool up = st->words[0][0] == 'u';

    if (st->count != 2)
        return sim_stage_wrong(stage, "%s: which machines?", st->words[0]);
    if (up && mc_format_max < SIM_NEXT)
        return sim_stage_wrong(stage, "this build has no next version");
    return for_sites(stage, st->words[1], up ? upgrade : downgrade);
}

/* twin c5 of=c1: c5 takes the name of c1. */
static bool do_twin(struct sim_stage *stage, const struct sim_statement *st)
{
    const char *of = sim_word_value(st, "of");
    struct sim_site *twin =
        st->count < 2 ? NULL : sim_word_site(stage, st->words[1], strlen(st->words[1]));
    struct sim_site *other = of == NULL ? NULL : sim_word_site(stage, of, strlen(of));

    if (twin == NULL || other == NULL || twin->agent != NULL)
        return sim_stage_wrong(stage, "twin cN of=cM, and cN must not run yet");
    twin->config.cluster = other->config.cluster;
    sim_site_start(twin);
    return true;
}

/* clock c3 -3600s */
static bool do_clock(struct sim_stage *stage, const struct sim_statement *st)
{
    struct sim_site *site =
        st->count != 3 ? NULL
                       : sim_word_site(stage, st->words[1], strlen(st->words[1]));

    if (site == NULL || !sim_word_ms(st->words[2], &site->clock.skew_ms))
        return sim_stage_wrong(stage, "clock cN TIME");
    return true;
}

/* disk c2 io | full | works */
static bool do_disk(struct sim_stage *stage, const struct sim_statement *st)
{
    struct sim_site *site =
        st->count != 3 ? NULL
                       : sim_word_site(stage, st->words[1], strlen(st->words[1]));

    if (site == NULL)
        return sim_stage_wrong(stage, "disk cN io|full|works");
    if (strcmp(st->words[2], "io") == 0)
        site->store->fail = MCOS_E_IO;
    else if (strcmp(st->words[2], "full") == 0)
        site->store->fail = MCOS_E_FULL;
    else if (strcmp(st->words[2], "works") == 0)
        site->store->fail = 0;
    else
        return sim_stage_wrong(stage, "disk %s?", st->words[2]);
    return true;
}

/* agents c1,c4: they are one cluster, by the name of the first; made anew. */
static bool do_agents(struct sim_stage *stage, const struct sim_statement *st)
{
    const char *list = st->count == 2 ? st->words[1] : "";

    if (*list == '\0' || stage->world->company != NULL)
        return sim_stage_wrong(stage, "agents c1,c4, once");
    stage->world->company = sim_company_new(stage->world);
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        struct sim_site *site = sim_word_site(stage, list, len);

        if (site == NULL || site->fellow != NULL)
            return sim_stage_wrong(stage, "no machine %.*s", (int)len, list);
        sim_site_kill(site);
        if (!sim_company_join(stage->world->company, site))
            return sim_stage_wrong(stage, "too many agents");
        sim_site_start(site);
        list += len + (list[len] == ',');
    }
    return true;
}

static void cut_registry(struct sim_site *site)
{
    if (site->fellow != NULL)
        site->fellow->cut = true;
}

static void mend_registry(struct sim_site *site)
{
    if (site->fellow != NULL)
        site->fellow->cut = false;
}

/* registry away [c1,c2], registry back [c1,c2], registry wipe */
static bool do_registry(struct sim_stage *stage, const struct sim_statement *st)
{
    struct sim_company *company = stage->world->company;
    const char *what = st->count < 2 ? "" : st->words[1];
    bool away = strcmp(what, "away") == 0;

    if (company == NULL)
        return sim_stage_wrong(stage, "no agents share a registry");
    if (strcmp(what, "wipe") == 0)
        sim_company_wipe(company);
    else if (!away && strcmp(what, "back") != 0)
        return sim_stage_wrong(stage, "registry away|back|wipe");
    else if (st->count == 3)
        return for_sites(stage, st->words[2], away ? cut_registry : mend_registry);
    else
        company->away = away;
    return true;
}

/* ---- changes ---- */

static bool do_change(struct sim_stage *stage, const struct sim_statement *st)
{
    const char *ring = sim_word_value(st, "ring");
    const char *on = sim_word_value(st, "on");
    const char *times_text = sim_word_value(st, "times");
    struct sim_site *site = on == NULL ? NULL : sim_word_site(stage, on, strlen(on));
    enum sim_change change = st->words[0][0] == 'c'   ? SIM_CREATE
                             : st->words[0][0] == 'u' ? SIM_UPDATE
                                                      : SIM_DELETE;
    uint64_t times = 1;

    if (site == NULL || ring == NULL || !mc_name_ok(ring) ||
        (times_text != NULL && !sim_word_number(times_text, &times)))
        return sim_stage_wrong(stage, "%s ring=NAME on=cN", st->words[0]);
    while (times-- > 0) {
        int err = sim_site_mint(site, ring, change);

        if (err != 0) {
            sim_trace_say(&stage->world->trace, true, sim_world_at_ms(stage->world),
                          "%s: refused %s", site->label, mcos_err_slug(err));
            return true;
        }
        if (times > 0)
            sim_world_run(stage->world, stage->world->now_ms + 10);
    }
    return true;
}

/* A message as a later version of the protocol may make it, from nobody we know. */
static bool do_newer(struct sim_stage *stage, const struct sim_statement *st)
{
    const char *to = sim_word_value(st, "to");
    struct sim_site *site = to == NULL ? NULL : sim_word_site(stage, to, strlen(to));
    static const char *const keys[] = {"ring", "talk"};

    if (site == NULL || site->agent == NULL)
        return sim_stage_wrong(stage, "newer to=cN");
    for (unsigned i = 0; i < 2; i++) {
        struct mc_envelope envelope = {.protocol = site->config.protocol + 1u,
                                       .needs = site->config.protocol + 1u,
                                       .kind =
                                           i == 0 ? MC_WIRE_RECORD : MC_WIRE_ANNOUNCE,
                                       .incarnation = 1,
                                       .sequence = 1,
                                       .sent_ns = SIM_WALL_NS};
        struct mc_letter_head head = {.sequence = 1};
        struct mc_buf b = {0};

        memcpy(envelope.system, site->config.system, MC_UID_BYTES);
        (void)mc_name_set(&envelope.cluster, "tomorrow");
        head.from = envelope.cluster;
        memset(head.from_uid, 0x77, MC_UID_BYTES);
        (void)snprintf(head.key, sizeof(head.key), "%s.%s", keys[i],
                       site->config.cluster.s);
        mc_envelope_encode(&b, &envelope);
        (void)site->mailbox->port.ops->publish(
            &site->mailbox->port, &head, (struct mc_bytes){b.ptr, b.len}, UINT64_MAX);
        mc_buf_fini(&b);
    }
    return true;
}

/* ---- the net and the bus ---- */

/* cut c1,c2 | c3 (neither hears the other), cut c1 > c3 (c3 does not hear c1) */
static bool do_cut(struct sim_stage *stage, const struct sim_statement *st)
{
    bool both = st->count == 4 && strcmp(st->words[2], "|") == 0;
    bool one = st->count == 4 && strcmp(st->words[2], ">") == 0;
    struct sim_net *net = &stage->world->net;

    if (!both && !one)
        return sim_stage_wrong(stage, "cut A | B, or cut A > B");
    for (const char *a = st->words[1]; *a != '\0';) {
        size_t alen = strcspn(a, ",");
        struct sim_site *x = sim_word_site(stage, a, alen);

        for (const char *b = st->words[3]; *b != '\0';) {
            size_t blen = strcspn(b, ",");
            struct sim_site *y = sim_word_site(stage, b, blen);

            if (x == NULL || y == NULL)
                return sim_stage_wrong(stage, "no such machine");
            sim_net_wall(net, x->index, y->index);
            if (both)
                sim_net_wall(net, y->index, x->index);
            b += blen + (b[blen] == ',');
        }
        a += alen + (a[alen] == ',');
    }
    return true;
}

static bool do_heal(struct sim_stage *stage, const struct sim_statement *st)
{
    (void)st;
    sim_net_heal(&stage->world->net);
    return true;
}

/* loss 30%, twice 10%, damage 1% */
static bool do_chance(struct sim_stage *stage, const struct sim_statement *st)
{
    struct sim_net *net = &stage->world->net;
    char *end = NULL;
    double percent = st->count != 2 ? -1 : strtod(st->words[1], &end);
    uint32_t ppm;

    if (percent < 0 || percent > 100 || strcmp(end, "%") != 0)
        return sim_stage_wrong(stage, "%s N%%", st->words[0]);
    ppm = (uint32_t)(percent * 10000 + 0.5);
    if (st->words[0][0] == 'l')
        net->loss_ppm = ppm;
    else if (st->words[0][0] == 't')
        net->twice_ppm = ppm;
    else
        net->damage_ppm = ppm;
    return true;
}

/* delay 1ms 500ms */
static bool do_delay(struct sim_stage *stage, const struct sim_statement *st)
{
    int64_t lo = 0;
    int64_t hi = 0;

    if (st->count != 3 || !sim_word_ms(st->words[1], &lo) ||
        !sim_word_ms(st->words[2], &hi) || lo < 0 || hi < lo || hi > 60000)
        return sim_stage_wrong(stage, "delay MIN MAX");
    stage->world->net.delay_ms_min = (uint32_t)lo;
    stage->world->net.delay_ms_max = (uint32_t)hi;
    return true;
}

static void one_away(struct sim_site *site)
{
    sim_post_away(&site->world->post, site->index, true);
}

static void one_back(struct sim_site *site)
{
    sim_post_away(&site->world->post, site->index, false);
}

/* bus away [c1,c2], bus back [c1,c2], bus wipe */
static bool do_bus(struct sim_stage *stage, const struct sim_statement *st)
{
    const char *what = st->count < 2 ? "" : st->words[1];
    bool away = strcmp(what, "away") == 0;

    if (strcmp(what, "wipe") == 0)
        sim_post_wipe(&stage->world->post);
    else if (!away && strcmp(what, "back") != 0)
        return sim_stage_wrong(stage, "bus away|back|wipe");
    else if (st->count == 3)
        return for_sites(stage, st->words[2], away ? one_away : one_back);
    else
        sim_post_away(&stage->world->post, SIM_ALL, away);
    return true;
}

static bool do_count(struct sim_stage *stage, const struct sim_statement *st)
{
    (void)st;
    sim_trace_reset_counts(&stage->world->trace);
    return true;
}

static bool do_end(struct sim_stage *stage, const struct sim_statement *st)
{
    (void)st;
    sim_check_nothing_lost(stage->world);
    return true;
}

bool sim_stage_do(struct sim_stage *stage, const struct sim_statement *st)
{
    static const struct {
        const char *word;
        statement_fn *fn;
    } words[] = {{"agents", do_agents}, {"bus", do_bus},
                 {"clock", do_clock},   {"clusters", do_clusters},
                 {"count", do_count},   {"create", do_change},
                 {"cut", do_cut},       {"damage", do_chance},
                 {"delay", do_delay},   {"delete", do_change},
                 {"disk", do_disk},     {"downgrade", do_version},
                 {"end", do_end},       {"expect", sim_stage_expect},
                 {"heal", do_heal},     {"loss", do_chance},
                 {"newer", do_newer},   {"registry", do_registry},
                 {"twice", do_chance},  {"twin", do_twin},
                 {"update", do_change}, {"upgrade", do_version}};
    statement_fn *fn = do_machine;
    bool ok;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(st->words[0], words[i].word) == 0)
            fn = words[i].fn;
    }
    if (stage->world == NULL && fn != do_clusters)
        return sim_stage_wrong(stage, "a play begins with: clusters N");
    ok = fn(stage, st);
    if (ok && stage->world->violations != 0)
        return sim_stage_wrong(stage, "%s", stage->world->violation);
    return ok;
}
