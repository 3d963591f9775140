/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/tiernum.c -- texts sorted, numbers given, texts sorted again. */
#include "adapter/swift/tiernum.h"

#include <stdlib.h>
#include <string.h>

#define NOT_YET UINT32_MAX

static int cmp_text(const void *a, const void *b)
{
    const struct mc_tiernum *x = a;
    const struct mc_tiernum *y = b;
    int order = strcmp(x->text, y->text);

    return order != 0 ? order : (x->slot > y->slot) - (x->slot < y->slot);
}

/* Numbers first, by number; then texts, by the slot that names them first. */
static int cmp_number(const void *a, const void *b)
{
    const struct mc_tiernum *x = a;
    const struct mc_tiernum *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

/* "0", "17": digits without a zero before them, up to the limit; else NOT_YET. */
static uint32_t number_of(const char *text)
{
    uint64_t n = 0;
    size_t len = strlen(text);

    if (len == 0 || len > 10 || (text[0] == '0' && len > 1))
        return NOT_YET;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return NOT_YET;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    return n <= MC_TIERNUM_MAX ? (uint32_t)n : NOT_YET;
}

static void keep_first_of_each(struct mc_tiernums *nums)
{
    size_t n = 0;

    for (size_t i = 0; i < nums->count; i++) {
        if (n == 0 || strcmp(nums->rows[n - 1].text, nums->rows[i].text) != 0)
            nums->rows[n++] = nums->rows[i];
    }
    nums->count = n;
}

static void give(struct mc_tiernums *nums)
{
    size_t known = 0;
    size_t taken = 0;
    uint32_t next = 1;

    while (known < nums->count && nums->rows[known].number != NOT_YET)
        known++;
    for (size_t i = known; i < nums->count; i++) {
        while (taken < known && nums->rows[taken].number <= next) {
            next += nums->rows[taken].number == next;
            taken++;
        }
        nums->rows[i].number = next++;
        nums->rows[i].given = true;
    }
}

int mc_tiernums_init(const struct mc_ring *ring, bool zones, struct mc_tiernums *ret)
{
    const uint32_t slots = mc_ring_head(ring)->device_count;
    struct mc_tiernums nums = {.count = 0};

    nums.rows = calloc((size_t)slots + 1, sizeof(*nums.rows));
    if (nums.rows == NULL)
        return MCOS_E_NOMEM;
    for (uint32_t slot = 0; slot < slots; slot++) {
        const struct mc_device *d = mc_ring_device(ring, slot);
        const char *text = zones ? d->zone : d->region;

        if (!d->removed || text[0] != '\0')
            nums.rows[nums.count++] = (struct mc_tiernum){
                .text = text, .slot = slot, .number = number_of(text)};
    }
    qsort(nums.rows, nums.count, sizeof(*nums.rows), cmp_text);
    keep_first_of_each(&nums);
    qsort(nums.rows, nums.count, sizeof(*nums.rows), cmp_number);
    give(&nums);
    qsort(nums.rows, nums.count, sizeof(*nums.rows), cmp_text);
    *ret = nums;
    return 0;
}

void mc_tiernums_fini(struct mc_tiernums *nums)
{
    free(nums->rows);
    *nums = (struct mc_tiernums){.count = 0};
}

uint32_t mc_tiernums_get(const struct mc_tiernums *nums, const char *text)
{
    size_t lo = 0;
    size_t hi = nums->count;

    while (lo + 1 < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(nums->rows[mid].text, text) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return nums->rows[lo].number;
}
