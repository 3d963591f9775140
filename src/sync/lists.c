/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sync/lists.c -- an inventory too large for an announcement, given bucket by
 * bucket to whom asks (P18, P44); and read when it comes.
 *
 * A job remembers where it is, so that a step sends as much as has room. Many
 * askers at once get one answer for all.
 */
#include "sync/machine_state.h"

#include <string.h>

#define ROW_BYTES ((1u + MC_LOSERS_MAX) * MC_ENTRY_BYTES)

void mc_list_wanted(struct mc_machine *m, struct mc_peer *to, uint64_t buckets)
{
    struct mc_list_job *free_job = NULL;
    unsigned busy = 0;

    for (unsigned i = 0; i < MC_LIST_JOBS_MAX; i++) {
        struct mc_list_job *job = &m->lists[i];

        if (!job->on) {
            free_job = free_job == NULL ? job : free_job;
            continue;
        }
        busy++;
        if (job->to == to) {
            job->buckets |= buckets;
            job->after[0] = '\0';
            return;
        }
    }
    if (busy + 1 >= MC_LIST_JOBS_MAX) {
        /* All in one, for all: from the start, as not everybody had the beginning. */
        for (unsigned i = 0; i < MC_LIST_JOBS_MAX; i++)
            buckets |= m->lists[i].on ? m->lists[i].buckets : 0;
        memset(m->lists, 0, sizeof(m->lists));
        free_job = &m->lists[0];
        to = NULL;
    }
    *free_job = (struct mc_list_job){.on = true, .to = to, .buckets = buckets};
}

static void put_row(struct mc_machine *m, const struct mc_ringrow *row)
{
    struct mc_entry e = row->told;

    mc_entry_encode(&m->bytes, &e);
    for (unsigned k = 0; k < row->loser_count; k++) {
        e = mc_loser_entry(row, &row->losers[k]);
        mc_entry_encode(&m->bytes, &e);
    }
}

/* One message: (the rest of) the job's lowest bucket. */
static bool send_part(struct mc_machine *m, struct mc_list_job *job)
{
    unsigned bucket = 0;
    size_t start;
    size_t at;
    const struct mc_ringrow *last = NULL;
    bool whole = true;

    while ((job->buckets >> bucket & 1) == 0)
        bucket++;
    if (!mc_room(m, 1, MC_PART_BYTES + ROW_BYTES))
        return false;
    start = mc_letter_open(m, MC_WIRE_LIST, job->to != NULL);
    at = mc_list_open(&m->bytes, bucket, job->after);
    for (size_t i = 0; i < m->ring_count; i++) {
        const struct mc_ringrow *row = m->rings[i];

        if (!row->told_on || row->bucket != bucket ||
            strcmp(row->name.s, job->after) <= 0)
            continue;
        if (m->bytes.len - start > MC_PART_BYTES - ROW_BYTES) {
            whole = false;
            break;
        }
        put_row(m, row);
        last = row;
    }
    mc_list_close(&m->bytes, at, whole);
    (void)mc_letter_send(m, start, "talk", job->to == NULL ? NULL : &job->to->name);
    if (whole) {
        job->buckets &= job->buckets - 1;
        job->after[0] = '\0';
    } else {
        memcpy(job->after, last->name.s, sizeof(job->after));
    }
    job->on = job->buckets != 0;
    return true;
}

void mc_list_jobs_due(struct mc_machine *m)
{
    for (unsigned i = 0; i < MC_LIST_JOBS_MAX; i++) {
        while (m->lists[i].on) {
            if (!send_part(m, &m->lists[i]))
                return;
        }
    }
}

void mc_on_list(struct mc_machine *m, const struct mc_envelope *e, struct mc_bytes body)
{
    struct mc_peer *peer = mc_peer_find(m, e->cluster.s);
    struct mc_list_head head;
    struct mc_reader lines;
    struct mc_relation_to rel;

    if (peer == NULL || peer->buckets == NULL)
        return; /* never announced: not asked for */
    if (mc_list_decode(body, &head, &lines) != 0 ||
        !mc_inventory_listed(m, peer, &head, &lines)) {
        mc_say(m, MC_NOTE_BAD_MESSAGE)->cluster = e->cluster;
        return;
    }
    if (!m->fresh || peer->state != MC_MEMBER_ACTIVE)
        return;
    rel = mc_inventory_relate(m, peer, true);
    if (peer->unknown == 0 && !rel.ahead)
        m->ready = true;
}
