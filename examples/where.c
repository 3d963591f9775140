/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where.c -- where does this name live?
 *
 *     cc where.c -o where $(pkg-config --cflags --libs mcos)
 *     ./where file:/tmp/eu,http://127.0.0.1:8471 photos AUTH_me holidays beach.jpg
 */
#include <mcos/resolver.h>

#include <stdio.h>

static const char *const states[] = {"unknown", "ACTIVE", "silent", "left"};

static int show(const struct mcos_view *view, const struct mcos_key *key)
{
    struct mcos_answer answer;
    int err = mcos_view_lookup(view, key, MCOS_ACTIVE_FIRST, &answer);

    if (err != 0)
        return err;
    printf("%s %s, partition %u\n", mcos_view_info(view)->ring,
           mcos_view_info(view)->stamp, answer.partition);
    for (unsigned i = 0; i < answer.device_count; i++) {
        struct mcos_device device;

        if (mcos_view_device(view, answer.devices[i], &device) == 0)
            printf("  %s in cluster %s (%s), host %s\n", device.name, device.cluster,
                   states[device.state], device.host);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct mcos_resolver *resolver = NULL;
    struct mcos_ring *ring = NULL;
    const struct mcos_view *view;
    struct mcos_diag diag = {"", 0, -1, ""};
    struct mcos_key key;
    int err;

    if (argc < 4) {
        fprintf(stderr, "usage: where CHAIN RING ACCOUNT [CONTAINER [OBJECT]]\n");
        return 2;
    }
    key = mcos_key(argv[3], argc > 4 ? argv[4] : NULL, argc > 5 ? argv[5] : NULL);

    err = mcos_resolver_open(argv[1], NULL, &resolver, &diag);
    if (err == 0)
        err = mcos_resolver_ring(resolver, argv[2], &ring, &diag);
    if (err == 0)
        err = mcos_ring_wait(ring, 5000, &diag); /* a program that goes on would not */
    if (err == 0) {
        view = mcos_ring_hold(ring);
        err = show(view, &key);
        mcos_view_release(view);
    }
    if (err != 0)
        fprintf(stderr, "where: %s%s%s\n", mcos_err_text(err),
                diag.text[0] == '\0' ? "" : ": ", diag.text);
    mcos_resolver_close(resolver);
    return err == 0 ? 0 : 1;
}
