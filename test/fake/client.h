/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/fake/client.h -- a program that uses the API: it asks the routes over a fake
 * agent and looks at the members of the answer by name.
 */
#ifndef MCOS_TEST_FAKE_CLIENT_H
#define MCOS_TEST_FAKE_CLIENT_H

#include "node/routes.h"
#include "test/fake/agent.h"
#include "test/fake/work.h"

#include <jansson.h>

/* Two rings of 2^6 partitions, two replicas; the second has one device more. */
#define THREE                                                                          \
    "{\"partition_power\": 6, \"replicas\": 2, \"note\": \"n1\", \"devices\": ["       \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 1, \"zone\": \"2\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"
#define FOUR                                                                           \
    "{\"partition_power\": 6, \"replicas\": 2, \"devices\": ["                         \
    "{\"name\": \"a\", \"weight\": 1, \"zone\": \"1\"},"                               \
    "{\"name\": \"b\", \"weight\": 1, \"zone\": \"2\"},"                               \
    "{\"name\": \"c\", \"weight\": 1, \"zone\": \"4\"},"                               \
    "{\"name\": \"eu-west\", \"weight\": 2, \"zone\": \"3\"}]}"

struct world {
    struct mc_agent agent;
    struct fake_work work;
    struct mc_handler *handler;
    struct mc_response answer;
    json_t *doc;
    char etag[96];
    /* of the importer */
    bool swift_md5; /* what is imported has that hash, and bytes so of a check */
    uint8_t check;
    int import_err;
    char prefix[32];
    char suffix[32];
    /* of the exporter */
    int export_err;
    unsigned exported; /* so many were asked for */
    unsigned format;   /* of the last */
};

int set_up(void **state);
int tear_down(void **state);

/* One request, and what became of it. */
struct asked {
    struct mc_later later; /* first */
    bool kept;
    bool answered;
    bool gone; /* the client: its answer is thrown away */
    struct mc_response answer;
};

/* Asks and does not wait: the worker is stepped by the test. Then look() takes the
 * answer as below. */
void begin(struct world *w, struct asked *asked, struct mc_request *q,
           const char *target, const char *body);
int look(struct world *w, const struct asked *asked);

/* Each returns the status; the answer is in w->answer, its JSON in w->doc, the last
 * ETag seen in w->etag. A problem is checked to be one. */
int ask(struct world *w, struct mc_request *q, const char *target, const char *body);
int get(struct world *w, const char *target);
int create(struct world *w, const char *target, const char *body);
int replace(struct world *w, const char *target, const char *etag, const char *body);

/* A member by its way down: "convergence.clusters.1.state"; fails if there is none. */
json_t *at(const struct world *w, const char *way);
void want_text(const struct world *w, const char *way, const char *text);
void want_number(const struct world *w, const char *way, double number);
void want_problem(const struct world *w, int code);

#endif /* MCOS_TEST_FAKE_CLIENT_H */
