/* SPDX-License-Identifier: Apache-2.0 */
/* sim/words.c -- the words of a statement, and what they mean. */
#include "sim/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sim_stage_wrong(struct sim_stage *stage, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(stage->error, sizeof(stage->error), fmt, args);
    va_end(args);
    return false;
}

bool sim_word_number(const char *text, uint64_t *ret)
{
    char *end;
    uint64_t n = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || *text == '-')
        return false;
    *ret = n;
    return true;
}

bool sim_word_ms(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end;
    double n = strtod(text, &end);

    for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *ret_ms = (int64_t)(n * (double)units[i].ms + (n < 0 ? -0.5 : 0.5));
            return true;
        }
    }
    return false;
}

const char *sim_word_value(const struct sim_statement *st, const char *key)
{
    size_t len = strlen(key);

    for (unsigned i = 1; i < st->count; i++) {
        if (strncmp(st->words[i], key, len) == 0 && st->words[i][len] == '=')
            return st->words[i] + len + 1;
    }
    return NULL;
}

struct sim_site *sim_word_site(struct sim_stage *stage, const char *text, size_t len)
{
    char number[8];
    uint64_t n;

    if (len < 2 || len > sizeof(number) || text[0] != 'c')
        return NULL;
    memcpy(number, text + 1, len - 1);
    number[len - 1] = '\0';
    if (!sim_word_number(number, &n) || n == 0 || n > stage->world->config.site_max)
        return NULL;
    return sim_world_site(stage->world, (uint32_t)n - 1);
}

bool sim_stage_parse(struct sim_stage *stage, char *line, struct sim_statement *ret)
{
    int64_t at_ms;
    char *save = NULL;

    *ret = (struct sim_statement){.at_ms = SIM_NEVER};
    for (char *w = strtok_r(line, " \n", &save); w != NULL;
         w = strtok_r(NULL, " \n", &save)) {
        if (ret->count == SIM_WORDS_MAX)
            return sim_stage_wrong(stage, "more than %u words", SIM_WORDS_MAX);
        ret->words[ret->count++] = w;
    }
    if (ret->count >= 3 && strcmp(ret->words[0], "at") == 0) {
        if (!sim_word_ms(ret->words[1], &at_ms) || at_ms < 0)
            return sim_stage_wrong(stage, "%s is no time", ret->words[1]);
        ret->at_ms = (uint64_t)at_ms;
        ret->count -= 2;
        memmove(ret->words, ret->words + 2, ret->count * sizeof(ret->words[0]));
    }
    return true;
}
