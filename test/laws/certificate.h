/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether prices prove that a table keeps the most, by linear duality: no table with
 * these quotas keeps more than
 *
 *     sum over devices of price * quota
 *     + sum over rows of the most that (1 if old) - price adds up to within the rule.
 *
 * Knows the tree and the numbers; shares no code with the builder.
 */
#ifndef TEST_CERTIFICATE_H
#define TEST_CERTIFICATE_H

#include "ring/plan.h"

/* What no table can keep more of (pairs on devices without quota do not count);
 * `floor`: every node has at least floor in every row, not only at most ceil. */
int64_t most_kept(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
                  const uint32_t *price, bool floor);

/* What this table keeps; counts each pair once. */
int64_t kept(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
             const uint32_t *table);

/* True if every device has its quota. */
bool has_quotas(const struct mc_plan *plan, const uint32_t *table);

/* True if every row has its width and keeps to ceil, and with `floor` to that. */
bool within_rule(const struct mc_plan *plan, const uint32_t *table, bool floor);

/*
 * What every table within the rules of one of a partition at a time holds back, by a
 * set of devices (1 in `tight`): each row has so many of its replicas in the set at
 * least, and the quotas of the set take so many. frozen: as in struct mc_plan_old.
 */
int64_t must_hold(const struct mc_plan *plan, const uint32_t *old, unsigned old_stride,
                  const uint8_t *frozen, const uint8_t *tight, bool floor);

/* What one of a partition at a time means for a row. */
struct row_loss {
    unsigned lost;     /* live replicas that it had and has no more */
    unsigned may_lose; /* those that cannot stay in any case; if nothing has to go
                          and no place has to be filled: one */
};
struct row_loss row_loss(const struct mc_plan *plan, uint32_t part, const uint32_t *old,
                         unsigned old_stride, const uint32_t *row);

#endif /* TEST_CERTIFICATE_H */
