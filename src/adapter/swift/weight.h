/* SPDX-License-Identifier: Apache-2.0 */
/* adapter/swift/weight.h -- a weight in millionths, from the number as written. */
#ifndef MCOS_ADAPTER_SWIFT_WEIGHT_H
#define MCOS_ADAPTER_SWIFT_WEIGHT_H

#include "base/bytes.h"

/*
 * `number` has the form of a JSON number. Exact decimal arithmetic: the nearest
 * millionth, halves up; what is more than 0 never becomes 0, since a device of
 * weight 0 is a drained one. Fails with WEIGHT: negative, or above MC_WEIGHT_MAX.
 */
int mc_weight_of_number(struct mc_bytes number, uint64_t *ret_millionths);

#endif /* MCOS_ADAPTER_SWIFT_WEIGHT_H */
