/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app/cmd_export.c -- mcos ring export-swift: a ring, of an agent or in a file, as a
 * `.ring.gz`.
 *
 * An agent is asked for its record and the file is made here, so that what is said
 * of it is known from the record.
 */
#include "app/fetch.h"
#include "app/file.h"
#include "app/offline.h"

#include "adapter/swift/ringwrite.h"
#include "adapter/swift/tiernum.h"

#include <string.h>
#include <unistd.h>

/* A word that is a name is a ring's; what has a slash or a dot is a file. */
static int open_ring(struct mc_cli *cli, struct mc_ring **ret_ring)
{
    const char *word = cli->args.params[0];
    struct mc_name name;

    if (mc_name_set(&name, word))
        return mc_fetch_ring(cli, word, ret_ring);
    return mc_offline_open(cli, word, NULL, ret_ring);
}

static int read_options(struct mc_cli *cli, const char **ret_out, unsigned *ret_version)
{
    const char *format = mc_cli_opt(cli, "format");
    unsigned long long version = MC_RINGGZ_FITTING;
    int rc = 0;

    *ret_out = mc_cli_opt(cli, "out");
    if (*ret_out == NULL)
        return mcos_diag_set(&cli->diag, MCOS_E_USAGE, "out",
                             "where shall the file go? -o FILE.ring.gz, or -o -");
    if (format != NULL)
        rc = mc_args_number(format, "format", MC_RINGGZ_V1, MC_RINGGZ_V2, &version,
                            &cli->diag);
    if (rc == 0 && strcmp(*ret_out, "-") == 0 && cli->out.json)
        rc = mcos_diag_set(&cli->diag, MCOS_E_USAGE, "out",
                           "--json and the file cannot both go to standard output");
    if (rc == 0 && strcmp(*ret_out, "-") == 0 && isatty(STDOUT_FILENO) != 0)
        rc = mcos_diag_set(&cli->diag, MCOS_E_USAGE, "out",
                           "the file is not for a terminal: send it elsewhere, or -o "
                           "FILE.ring.gz");
    *ret_version = (unsigned)version;
    return rc;
}

/* {"eu": 1}: texts that got a number, by the text. */
static json_t *numbered(const struct mc_ring *ring, bool zones)
{
    struct mc_tiernums nums;
    json_t *o = json_object();

    if (mc_tiernums_init(ring, zones, &nums) != 0)
        return o;
    for (size_t i = 0; i < nums.count; i++) {
        if (nums.rows[i].given)
            (void)json_object_set_new(o, nums.rows[i].text,
                                      json_integer((json_int_t)nums.rows[i].number));
    }
    mc_tiernums_fini(&nums);
    return o;
}

static void print_numbered(FILE *to, const char *what, const json_t *numbers)
{
    const char *separator = "";
    const char *text;
    const json_t *number;

    if (json_object_size(numbers) == 0)
        return;
    (void)fprintf(to, "  %s in it: ", what);
    json_object_foreach((json_t *)(uintptr_t)numbers, text, number)
    {
        char shown[MC_SHOWN_MAX];

        (void)fprintf(to, "%s%s is %lld", separator, mc_file_shown(text, shown),
                      (long long)json_integer_value(number));
        separator = ", ";
    }
    (void)fputc('\n', to);
}

static int tell(struct mc_cli *cli, const struct mc_ring *ring, const char *out,
                unsigned version, size_t bytes)
{
    const struct mc_head *head = mc_ring_head(ring);
    FILE *to = strcmp(out, "-") == 0 ? stderr : stdout;
    json_t *regions = numbered(ring, false);
    json_t *zones = numbered(ring, true);
    char stamp[64];
    char digest[2 * MC_DIGEST_BYTES + 1];
    int rc = 0;

    mc_offline_stamp(head, stamp);
    mc_hex(digest, head->digest, MC_DIGEST_BYTES);
    if (cli->out.json) {
        rc = mc_out_json(json_pack(
            "{s:s, s:s, s:I, s:s, s:s, s:I, s:i, s:i, s:I, s:i, s:O, s:O}", "ring",
            head->name.s, "stamp", stamp, "version", (json_int_t)head->version,
            "digest", digest, "out", out, "bytes", (json_int_t)bytes, "format",
            (int)version, "partition_power", (int)head->part_power, "assignments",
            (json_int_t)head->assignments, "device_slots", (int)head->device_count,
            "regions", regions, "zones", zones));
    } else if (to == stdout || !cli->out.quiet) {
        (void)fprintf(to, "%s %s -> %s   Swift's format %u, %zu bytes\n", head->name.s,
                      stamp, out, version, bytes);
        print_numbered(to, "regions", regions);
        print_numbered(to, "zones", zones);
    }
    json_decref(regions);
    json_decref(zones);
    return rc;
}

int mc_cmd_ring_export(struct mc_cli *cli)
{
    struct mc_ring *ring = NULL;
    struct mc_buf file = {0};
    const char *out = NULL;
    unsigned version = 0;
    int rc = read_options(cli, &out, &version);

    if (rc == 0)
        rc = open_ring(cli, &ring);
    if (rc == 0)
        rc = mc_ringgz_encode(ring, version, &file, &version, &cli->diag);
    if (rc < 0)
        goto out;
    if (strcmp(out, "-") == 0) {
        if (fwrite(file.ptr, 1, file.len, stdout) != file.len)
            rc = MCOS_E_IO; /* main says so */
    } else {
        rc = mc_file_write(out, (struct mc_bytes){file.ptr, file.len}, &cli->diag);
    }
    if (rc == 0)
        rc = tell(cli, ring, out, version, file.len);
out:
    mc_buf_fini(&file);
    mc_ring_unref(ring);
    return rc;
}
