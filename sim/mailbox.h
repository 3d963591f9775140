/* SPDX-License-Identifier: Apache-2.0 */
/* sim/mailbox.h -- one site's end of the post, for sim/post.c. */
#ifndef MCOS_SIM_MAILBOX_H
#define MCOS_SIM_MAILBOX_H

#include "sim/post.h"

struct sim_mailbox *sim_mailbox_new(struct sim_post *post, uint32_t site,
                                    const struct mc_name *name,
                                    const uint8_t uid[MC_UID_BYTES]);
void sim_mailbox_free(struct sim_mailbox *box); /* NULL is fine */

void sim_mailbox_say(struct sim_mailbox *box, const struct sim_word *word);
/* One unconfirmed letter less. */
void sim_mailbox_confirm(struct sim_mailbox *box, uint64_t token, int err);
/* The connection is gone: AWAY for what was not confirmed, letters go back. */
void sim_mailbox_drop_line(struct sim_mailbox *box);
/* Empty, undeclared queues: the next connection will be told that they are fresh. */
void sim_mailbox_forget(struct sim_mailbox *box);

/* In sim/post.c: the box is given no more letters; another one of its home may be. */
void sim_post_pass_on(struct sim_post *post, struct sim_mailbox *box);
/* In sim/post.c: puts a letter on its ways. */
void sim_post_spread(struct sim_post *post, struct sim_letter *letter);

#endif /* MCOS_SIM_MAILBOX_H */
