/* SPDX-License-Identifier: Apache-2.0 */
/* contract/scratch.h -- a folder of a test's own. */
#ifndef MCOS_TEST_CONTRACT_SCRATCH_H
#define MCOS_TEST_CONTRACT_SCRATCH_H

#include <stdbool.h>

#define SCRATCH_MAX 64u

bool scratch_make(char path[SCRATCH_MAX]);
/* Removes it with all that is inside. */
void scratch_remove(const char *path);

#endif /* MCOS_TEST_CONTRACT_SCRATCH_H */
