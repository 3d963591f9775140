/* SPDX-License-Identifier: Apache-2.0 */
/* app/demo_ask.c -- what the demo asks its clusters. */
#include "app/demo_ask.h"

#include <string.h>

#define POLL_MS 20u

struct name {
    const char *query;
    const char *expect; /* "partition: ids" as Swift itself answers; NULL: not known */
};

/* Asked of both rings; what Swift's own Ring answers for the imported one. */
static const struct name names[] = {
    {"account=AUTH_test", "77: 2,8,7"},
    {"account=AUTH_test&container=c", "149: 9,2,4"},
    {"account=AUTH_test&container=c&object=o", "145: 3,8,6"},
    {"account=AUTH_t%C3%A9st&container=%E5%AE%B9%E5%99%A8&object=%C3%B8bject%2F%E6%97%"
     "A5"
     "%E6%9C%AC",
     "41: 2,8,10"},
    {"account=a&container=b&object=c%2Fd%2F%2Fe%2F", "84: 1,9,7"},
    {"account=AUTH_d510469c05c79dc868d606c4c7076237", "99: 1,9,7"},
};

struct mc_site *mc_demo_site(struct mc_demo *demo, unsigned number)
{
    return &demo->world.sites[number - 1];
}

/* False when time is over or a signal came. */
static bool again(uint64_t until)
{
    if (mc_cli_signal != 0 || mc_api_now_ms() >= until)
        return false;
    mc_api_sleep_ms(POLL_MS);
    return mc_cli_signal == 0;
}

void mc_demo_names(struct mc_demo *demo, unsigned set, char dst[MC_DEMO_NAMES_MAX])
{
    size_t used = 0;

    dst[0] = '\0';
    for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
        if ((set & MC_SITE_BIT(n)) != 0)
            used += (size_t)snprintf(dst + used, MC_DEMO_NAMES_MAX - used, "%s%s",
                                     used > 0 ? ", " : "", mc_demo_site(demo, n)->name);
    }
}

static bool is_ready(struct mc_demo *demo, struct mc_site *site,
                     const struct mc_target *target)
{
    (void)demo;
    (void)target;
    return mc_api_get(&site->api, NULL, "/readyz") == 0;
}

static bool holds(struct mc_demo *demo, struct mc_site *site,
                  const struct mc_target *target)
{
    json_t *doc = NULL;
    bool yes = mc_api_get(&site->api, &doc, "/v1/rings/%s", target->ring) == 0 &&
               strcmp(mc_doc_text(doc, "digest"), target->digest) == 0;

    (void)demo;
    json_decref(doc);
    return yes;
}

/* Asks each of the set until all say yes; returns who does not. */
static unsigned wait_all(struct mc_demo *demo, unsigned set, uint32_t within_ms,
                         bool (*ask)(struct mc_demo *, struct mc_site *,
                                     const struct mc_target *),
                         const struct mc_target *target)
{
    uint64_t until = mc_api_now_ms() + within_ms;
    unsigned missing = set;

    do {
        for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
            struct mc_site *site = mc_demo_site(demo, n);

            site->api.patience_ms = 0;
            if ((missing & MC_SITE_BIT(n)) != 0 && ask(demo, site, target))
                missing &= ~MC_SITE_BIT(n);
            if ((missing & MC_SITE_BIT(n)) != 0 && !mc_process_runs(&site->process))
                return missing; /* it ended: no waiting helps */
        }
    } while (missing != 0 && again(until));
    return missing;
}

/* Why waiting ended early, if it did. */
static const char *ended(struct mc_demo *demo, unsigned set)
{
    for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
        if ((set & MC_SITE_BIT(n)) != 0 &&
            !mc_process_runs(&mc_demo_site(demo, n)->process))
            return ": a process ended by itself";
    }
    return "";
}

bool mc_demo_ready(struct mc_demo *demo, unsigned set, uint32_t within_ms)
{
    uint64_t start = mc_api_now_ms();
    unsigned missing = wait_all(demo, set, within_ms, is_ready, NULL);
    char text[MC_DEMO_NAMES_MAX];

    mc_demo_names(demo, missing != 0 ? missing : set, text);
    if (missing != 0 && mc_cli_signal == 0)
        mc_demo_promise(&demo->log, false, 0, "%s ready within %u s%s", text,
                        within_ms / 1000, ended(demo, missing));
    else if (missing == 0)
        mc_demo_promise(&demo->log, true, (double)(mc_api_now_ms() - start) / 1000,
                        "%s ready", text);
    return missing == 0;
}

bool mc_demo_held(struct mc_demo *demo, unsigned set, const struct mc_target *target,
                  uint32_t within_ms)
{
    uint64_t start = mc_api_now_ms();
    unsigned missing = wait_all(demo, set, within_ms, holds, target);
    char text[MC_DEMO_NAMES_MAX];

    mc_demo_names(demo, missing != 0 ? missing : set, text);
    if (missing != 0 && mc_cli_signal == 0)
        mc_demo_promise(&demo->log, false, 0, "%s %s held by %s within %u s%s",
                        target->ring, target->stamp, text, within_ms / 1000,
                        ended(demo, missing));
    else if (missing == 0)
        mc_demo_promise(&demo->log, true, (double)(mc_api_now_ms() - start) / 1000,
                        "%s %s held by %s", target->ring, target->stamp, text);
    return missing == 0;
}

/* Which of our clusters that name is, as a bit; 0 if none. */
static unsigned bit_of(struct mc_demo *demo, const char *name)
{
    for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
        if (strcmp(mc_demo_site(demo, n)->name, name) == 0)
            return MC_SITE_BIT(n);
    }
    return 0;
}

bool mc_demo_state(struct mc_demo *demo, unsigned observer, unsigned set,
                   const char *state, uint32_t within_ms)
{
    uint64_t start = mc_api_now_ms();
    struct mc_site *from = mc_demo_site(demo, observer);
    unsigned seen;
    bool yes;
    char text[MC_DEMO_NAMES_MAX];

    do {
        json_t *doc = NULL;
        size_t i;
        json_t *c;

        seen = 0;
        if (mc_api_get(&from->api, &doc, "/v1/clusters") == 0) {
            json_array_foreach(json_object_get(doc, "clusters"), i, c)
            {
                if (strcmp(mc_doc_text(c, "state"), state) == 0)
                    seen |= bit_of(demo, mc_doc_text(c, "cluster"));
            }
        }
        json_decref(doc);
        yes = (seen & set) == set;
    } while (!yes && again(start + within_ms));
    mc_demo_names(demo, set, text);
    if (yes || mc_cli_signal == 0)
        mc_demo_promise(&demo->log, yes, (double)(mc_api_now_ms() - start) / 1000,
                        "%s sees %s %s", from->name, text, state);
    return yes;
}

bool mc_demo_seen(struct mc_demo *demo, unsigned observer, unsigned set,
                  const char *ring, uint32_t within_ms)
{
    uint64_t until = mc_api_now_ms() + within_ms;
    struct mc_site *from = mc_demo_site(demo, observer);
    unsigned seen;

    do {
        json_t *doc = NULL;
        size_t i;
        json_t *c;

        seen = 0;
        if (mc_api_get(&from->api, &doc, "/v1/rings/%s/convergence", ring) == 0) {
            json_array_foreach(json_object_get(doc, "clusters"), i, c)
            {
                if (mc_doc_bool(c, "has"))
                    seen |= bit_of(demo, mc_doc_text(c, "cluster"));
            }
        }
        json_decref(doc);
    } while ((seen & set) != set && again(until));
    return (seen & set) == set;
}

/* "stamp partition: ids" of one look-up, or what went wrong. */
static bool ask_name(struct mc_site *site, const char *ring, const char *query,
                     char dst[256], char answer[160], char places[256])
{
    size_t shown = 0;
    json_t *doc = NULL;
    size_t used;
    size_t i;
    json_t *d;
    int rc = mc_api_get(&site->api, &doc, "/v1/rings/%s/lookup?%s", ring, query);

    if (rc < 0) {
        (void)snprintf(dst, 256, "%.200s",
                       site->api.problem != NULL
                           ? mc_doc_text(site->api.problem, "detail")
                           : site->api.diag.text);
        return false;
    }
    used = (size_t)snprintf(answer, 160, "%lld: ", mc_doc_int(doc, "partition"));
    json_array_foreach(json_object_get(doc, "devices"), i, d)
    {
        if (shown < 180)
            shown += (size_t)snprintf(places + shown, 256 - shown, "%s%.64s",
                                      i > 0 ? ", " : "", mc_doc_text(d, "name"));
        if (used < 140)
            used += (size_t)snprintf(answer + used, 160 - used, "%s%lld",
                                     i > 0 ? "," : "", mc_doc_int(d, "id"));
    }
    (void)snprintf(dst, 256, "%.64s %.150s", mc_doc_text(doc, "stamp"), answer);
    json_decref(doc);
    return true;
}

bool mc_demo_lookups(struct mc_demo *demo, const char *ring, bool swift)
{
    const size_t count = sizeof(names) / sizeof(names[0]);

    for (size_t i = 0; i < count; i++) {
        char first[256] = "";
        char places[256] = "";

        for (unsigned n = 1; n <= MC_DEMO_SITES; n++) {
            struct mc_site *site = mc_demo_site(demo, n);
            char full[256];
            char answer[160] = "";
            bool ok = ask_name(site, ring, names[i].query, full, answer, places);

            if (mc_cli_signal != 0)
                return false;
            if (n == 1)
                (void)snprintf(first, sizeof(first), "%s", full);
            if (!ok || strcmp(first, full) != 0 ||
                (swift && strcmp(answer, names[i].expect) != 0)) {
                mc_demo_promise(
                    &demo->log, false, 0,
                    "%s answers alike for %s: %s says \"%s\", %s \"%s\"%s%s", ring,
                    names[i].query, mc_demo_site(demo, 1)->name, first, site->name,
                    full, swift ? ", Swift " : "", swift ? names[i].expect : "");
                return false;
            }
        }
        if (i == 2) /* AUTH_test/c/o, to be seen */
            mc_demo_say(&demo->log, "%s: AUTH_test/c/o lives on %s", ring, places);
    }
    mc_demo_promise(&demo->log, true, 0,
                    "%zu names in %s: all five clusters answer alike%s", count, ring,
                    swift ? ", and as Swift does" : "");
    return true;
}
