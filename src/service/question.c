/* SPDX-License-Identifier: Apache-2.0 */
/* service/question.c -- queries and JSON to names. */
#include "service/question.h"

#include "base/json_scan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH      3u /* object, list, name */
#define VALUES_MAX (4u * MC_QUESTION_NAMES_MAX + 8u)

/* ---- a query ---- */

static int read_handoffs(const char *text, size_t *ret, struct mcos_diag *diag)
{
    unsigned long n = 0;
    char *end = NULL;

    if (text[0] >= '0' && text[0] <= '9')
        n = strtoul(text, &end, 10);
    if (end == NULL || *end != '\0' || n > MCOS_HANDOFFS_MAX)
        return mcos_diag_set(diag, MCOS_E_VALUE, "handoffs", "wants 0 to %u",
                             MCOS_HANDOFFS_MAX);
    *ret = n;
    return 0;
}

static int read_bool(const char *field, const char *text, bool *ret,
                     struct mcos_diag *diag)
{
    *ret = text[0] == '\0' || strcmp(text, "true") == 0;
    if (!*ret && strcmp(text, "false") != 0)
        return mcos_diag_set(diag, MCOS_E_VALUE, field, "wants true or false");
    return 0;
}

static int check_key(const struct mcos_key *key, const char *field,
                     struct mcos_diag *diag)
{
    if (key->account.len == 0)
        return mcos_diag_set(diag, MCOS_E_FIELD, field[0] == '\0' ? "account" : field,
                             "an account is needed");
    if (key->object.len != 0 && key->container.len == 0)
        return mcos_diag_set(diag, MCOS_E_FIELD, field[0] == '\0' ? "container" : field,
                             "an object needs a container");
    return 0;
}

int mc_question_read(const struct mc_request *request, struct mc_question *ret,
                     struct mcos_diag *diag)
{
    struct mc_question q = {0};
    bool active_first = false;
    unsigned given = 0;
    int err = 0;

    for (size_t i = 0; i < request->query_count && err == 0; i++) {
        const struct mc_param *p = &request->query[i];
        const struct mcos_bytes value = {p->value, p->len};
        static const char *const names[] = {"account",  "container",    "object",
                                            "handoffs", "active_first", "previous"};
        const unsigned count = sizeof(names) / sizeof(names[0]);
        unsigned which = 0;

        while (which < count && strcmp(names[which], p->name) != 0)
            which++;
        if (which == count)
            return mcos_diag_set(diag, MCOS_E_FIELD, p->name, "unknown parameter");
        if ((given >> which & 1u) != 0)
            return mcos_diag_set(diag, MCOS_E_FIELD, p->name, "given twice");
        given |= 1u << which;
        if (which == 0)
            q.key.account = value;
        else if (which == 1)
            q.key.container = value;
        else if (which == 2)
            q.key.object = value;
        else if (which == 3)
            err = read_handoffs(p->value, &q.handoffs, diag);
        else if (which == 4)
            err = read_bool(p->name, p->value, &active_first, diag);
        else
            err = read_bool(p->name, p->value, &q.previous, diag);
    }
    q.flags = active_first ? MCOS_ACTIVE_FIRST : 0;
    if (err == 0)
        err = check_key(&q.key, "", diag);
    if (err == 0)
        *ret = q;
    return err;
}

/* ---- JSON ---- */

static int read_name(const json_t *name, size_t i, struct mcos_key *ret,
                     struct mcos_diag *diag)
{
    struct mcos_bytes parts[3] = {{0}};
    const size_t count = json_array_size(name);
    char field[32];

    (void)snprintf(field, sizeof(field), "/names/%zu", i);
    if (count < 1 || count > 3)
        return mcos_diag_set(diag, MCOS_E_VALUE, field,
                             "wants a list of account, container and object");
    for (size_t k = 0; k < count; k++) {
        const json_t *part = json_array_get(name, k);

        if (!json_is_string(part))
            return mcos_diag_set(diag, MCOS_E_VALUE, field, "wants strings");
        parts[k] =
            (struct mcos_bytes){json_string_value(part), json_string_length(part)};
    }
    *ret = (struct mcos_key){parts[0], parts[1], parts[2]};
    return check_key(ret, field, diag);
}

static int read_tree(struct mc_questions *q, struct mcos_diag *diag)
{
    const json_t *names = NULL;
    const char *member;
    json_t *value;

    if (!json_is_object((json_t *)q->tree))
        return mcos_diag_set(diag, MCOS_E_JSON, "", "wants an object with names");
    json_object_foreach((json_t *)q->tree, member, value)
    {
        if (strcmp(member, "names") == 0 && json_is_array(value))
            names = value;
        else if (strcmp(member, "active_first") == 0 && json_is_boolean(value))
            q->flags = json_is_true(value) ? MCOS_ACTIVE_FIRST : 0;
        else if (strcmp(member, "previous") == 0 && json_is_boolean(value))
            q->previous = json_is_true(value);
        else
            return mcos_diag_set(diag, MCOS_E_FIELD, member,
                                 "wants names (a list), active_first and previous "
                                 "(booleans)");
    }
    if (names == NULL)
        return mcos_diag_set(diag, MCOS_E_FIELD, "names", "needed");
    q->count = json_array_size(names);
    if (q->count > MC_QUESTION_NAMES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "names", "more than %u names",
                             MC_QUESTION_NAMES_MAX);
    q->keys = calloc(q->count + 1, sizeof(*q->keys));
    if (q->keys == NULL)
        return MCOS_E_NOMEM;
    for (size_t i = 0; i < q->count; i++) {
        int err = read_name(json_array_get(names, i), i, &q->keys[i], diag);

        if (err != 0)
            return err;
    }
    return 0;
}

int mc_questions_parse(struct mc_bytes text, struct mc_questions *ret,
                       struct mcos_diag *diag)
{
    struct mc_questions q = {0};
    json_error_t where;
    int err;

    if (text.len > MC_QUESTION_BYTES_MAX)
        return mcos_diag_set(diag, MCOS_E_TOOBIG, "", "more than %u bytes of JSON",
                             MC_QUESTION_BYTES_MAX);
    err = mc_json_scan(text, DEPTH, VALUES_MAX, diag);
    if (err != 0)
        return err;
    q.tree = json_loadb((const char *)text.ptr, text.len,
                        JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    if (q.tree == NULL) {
        (void)mcos_diag_set(diag, MCOS_E_JSON, "", "line %d: %.120s", where.line,
                            where.text);
        mc_json_where(text, where.position < 0 ? 0 : (size_t)where.position, diag);
        return MCOS_E_JSON;
    }
    err = read_tree(&q, diag);
    if (err != 0)
        mc_questions_fini(&q);
    else
        *ret = q;
    return err;
}

void mc_questions_fini(struct mc_questions *questions)
{
    free(questions->keys);
    json_decref(questions->tree);
    *questions = (struct mc_questions){0};
}
