/* SPDX-License-Identifier: Apache-2.0 */
/* node/etag.c -- ETags, read as strictly as they are written. */
#include "node/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void mc_etag_format(const struct mc_head *head, char dst[MC_ETAG_MAX])
{
    char epoch[16] = "";
    char digest[9];

    mc_hex(digest, head->digest, 4);
    if (head->epoch > 0)
        (void)snprintf(epoch, sizeof(epoch), "e%u.", head->epoch);
    (void)snprintf(dst, MC_ETAG_MAX, "\"%s%" PRIu64 "-%s\"", epoch, head->version,
                   digest);
}

/* Digits without a leading zero, so that one record has one tag. */
static bool read_number(const char **p, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (**p < '1' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        value = value * 10 + (uint64_t)(**p - '0');
        if (value > max)
            return false;
    }
    *ret = value;
    return true;
}

int mc_etag_parse(const char *text, struct mc_expect *ret_expect)
{
    struct mc_expect e = {.kind = MC_EXPECT_EXACT};
    uint64_t epoch = 0;
    const char *p = text;

    if (*p++ != '"')
        return MCOS_E_USAGE;
    if (*p == 'e') {
        p++;
        if (!read_number(&p, MC_EPOCH_MAX, &epoch) || *p++ != '.')
            return MCOS_E_USAGE;
    }
    if (!read_number(&p, MC_VERSION_MAX, &e.version) || *p++ != '-')
        return MCOS_E_USAGE;
    for (unsigned i = 0; i < 8; i++) {
        if (p[i] == '\0' || strchr("0123456789abcdef", p[i]) == NULL)
            return MCOS_E_USAGE;
    }
    if (!mc_unhex(e.digest4, p, 4) || strcmp(p + 8, "\"") != 0)
        return MCOS_E_USAGE;
    e.epoch = (uint16_t)epoch;
    *ret_expect = e;
    return 0;
}

int mc_etag_expect(const char *if_match, const char *if_none_match,
                   struct mc_expect *ret_expect, struct mcos_diag *diag)
{
    if (if_match == NULL && if_none_match == NULL)
        return mcos_diag_set(diag, MCOS_E_PRECOND, "If-Match",
                             "a change says what it expects to find");
    if (if_match != NULL && if_none_match != NULL)
        return mcos_diag_set(diag, MCOS_E_USAGE, "If-Match",
                             "If-Match and If-None-Match exclude each other");
    if (if_none_match != NULL) {
        if (strcmp(if_none_match, "*") != 0)
            return mcos_diag_set(diag, MCOS_E_USAGE, "If-None-Match",
                                 "for a change it wants *");
        *ret_expect = (struct mc_expect){.kind = MC_EXPECT_ABSENT};
        return 0;
    }
    if (mc_etag_parse(if_match, ret_expect) != 0)
        return mcos_diag_set(diag, MCOS_E_USAGE, "If-Match",
                             "wants exactly one ETag, like \"7-91d0aa02\"");
    return 0;
}
