/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/ringtake.c -- values by key, with the place of what is refused. */
#include "adapter/swift/ringtake.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mc_take_refuse(struct mc_taking *r, int code, const char *key, const char *fmt,
                    ...)
{
    char field[sizeof(r->diag->field)];
    char text[sizeof(r->diag->text)];
    va_list args;

    if (r->err != 0)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)snprintf(field, sizeof(field), "%s%s%s", r->at, key[0] != '\0' ? "/" : "",
                   key);
    r->err = mcos_diag_set(r->diag, code, field, "%s", text);
}

void mc_take_enter(struct mc_taking *r, json_t *object, const char *at)
{
    if (r->err != 0)
        return;
    (void)snprintf(r->at, sizeof(r->at), "%s", at);
    r->missing = NULL;
    if (!json_is_object(object))
        mc_take_refuse(r, MCOS_E_JSON, "", "expected an object");
}

void mc_take_leave(struct mc_taking *r)
{
    if (r->missing != NULL)
        mc_take_refuse(r, MCOS_E_FIELD, "", "%s is missing", r->missing);
}

json_t *mc_take(struct mc_taking *r, json_t *object, const char *key, enum mc_need need)
{
    json_t *value;

    if (r->err != 0)
        return NULL;
    value = json_incref(json_object_get(object, key));
    if (value == NULL) {
        if (need == MC_NEEDED && r->missing == NULL)
            r->missing = key;
        return NULL;
    }
    (void)json_object_del(object, key);
    if (need == MC_OR_NULL && json_is_null(value)) {
        json_decref(value);
        return NULL;
    }
    return value;
}

const char *mc_take_own(struct mc_taking *r, const char *text)
{
    const char *copy = r->err == 0 ? mc_draft_text(r->draft, text) : "";

    if (copy == NULL) {
        mc_take_refuse(r, MCOS_E_NOMEM, "", "out of memory");
        return "";
    }
    return copy;
}

const char *mc_take_text(struct mc_taking *r, json_t *object, const char *key,
                         enum mc_need need, size_t max)
{
    json_t *value = mc_take(r, object, key, need);
    const char *text = "";

    if (value == NULL)
        return text;
    if (!json_is_string(value))
        mc_take_refuse(r, MCOS_E_JSON, key, "expected a text");
    else if (json_string_length(value) > max)
        mc_take_refuse(r, MCOS_E_TOOBIG, key, "a text of more than %zu bytes", max);
    else if (strlen(json_string_value(value)) != json_string_length(value))
        mc_take_refuse(r, MCOS_E_VALUE, key, "a NUL in a text");
    else
        text = mc_take_own(r, json_string_value(value));
    json_decref(value);
    return text;
}

unsigned mc_take_whole(struct mc_taking *r, json_t *object, const char *key,
                       enum mc_need need, unsigned max, unsigned absent)
{
    json_t *value = mc_take(r, object, key, need);
    json_int_t v = json_integer_value(value);

    if (value == NULL)
        return absent;
    if (!json_is_number(value))
        mc_take_refuse(r, MCOS_E_JSON, key, "expected a number");
    else if (!json_is_integer(value) || v < 0 || v > (json_int_t)max)
        mc_take_refuse(r, MCOS_E_VALUE, key, "not a whole number of 0 to %u", max);
    json_decref(value);
    return r->err != 0 ? absent : (unsigned)v;
}
