/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the RabbitMQ bus that need no broker: addresses, headers, frames,
 * and the desk between the threads. A real broker sends what is right and in
 * time; here is what it would have to be broken for, and the limits, which would
 * take it hours.
 */
#include "adapter/amqp/side.h"
#include "adapter/amqp/url.h"
#include "adapter/amqp/watch.h"

#include "mcos/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- addresses --- */

static void an_address_tells_hosts_user_and_vhost(void **state)
{
    struct mc_amqp_url url;

    (void)state;
    assert_int_equal(
        mc_amqp_url_parse("amqps://me:p%40ss:w@a,b:7,[::1]:8,[fe80::1]/v%2Fh", &url,
                          NULL),
        0);
    assert_true(url.tls);
    assert_string_equal(url.user, "me");
    assert_string_equal(url.password, "p@ss:w");
    assert_string_equal(url.vhost, "v/h");
    assert_int_equal(url.host_count, 4);
    assert_string_equal(url.hosts[0].name, "a");
    assert_int_equal(url.hosts[0].port, 5671);
    assert_int_equal(url.hosts[1].port, 7);
    assert_string_equal(url.hosts[2].name, "::1");
    assert_int_equal(url.hosts[2].port, 8);
    assert_int_equal(url.hosts[3].port, 5671);
    assert_int_equal(mc_amqp_url_parse("amqp://h", &url, NULL), 0);
    assert_string_equal(url.user, "guest");
    assert_string_equal(url.password, "guest");
    assert_string_equal(url.vhost, "/");
    assert_int_equal(url.hosts[0].port, 5672);
    assert_true(url.body_max == SIZE_MAX);
    assert_int_equal(mc_amqp_url_parse("amqp://h:65535/", &url, NULL), 0);
    assert_string_equal(url.vhost, "/");
}

static void an_address_tells_what_the_brokers_take(void **state)
{
    static const struct {
        const char *text;
        size_t max;
    } good[] = {
        {"amqp://h?max_message_size=65536", 65536},
        {"amqp://u:p%3F@h,i:7/?max_message_size=70000", 70000},
        {"amqp://h/v?max_message_size=64KiB", 65536},
        {"amqp://h/v?max_message_size=1MiB&max_message_size=16MiB", 16u << 20},
        {"amqp://h/v?max_message_size=9999999999", 9999999999u},
    };
    struct mc_amqp_url url;

    (void)state;
    assert_int_equal(mc_amqp_url_parse("amqps://h?auth=external", &url, NULL), 0);
    assert_true(url.external);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(mc_amqp_url_parse(good[i].text, &url, NULL), 0);
        assert_true(url.body_max == good[i].max && !url.external);
        assert_string_equal(url.vhost, i < 2 ? "/" : "v");
        assert_string_equal(url.hosts[0].name, "h");
    }
}

static void a_bad_address_is_refused_and_its_password_not_told(void **state)
{
    static const char *const bad[] = {
        "",
        "http://h",
        "amqp:/h",
        "amqp://",
        "amqp://u:geheim@",
        "amqp://u:geheim@/v",
        "amqp://u:geheim@h:0",
        "amqp://u:geheim@h:65536",
        "amqp://u:geheim@h:x",
        "amqp://u:geheim@h:",
        "amqp://u:geheim@h,",
        "amqp://u:geheim@,h",
        "amqp://u:geheim@h h",
        "amqp://u:geheim@[::1",
        "amqp://u:geheim@[]:1",
        "amqp://u:geheim@[::1]x",
        "amqp://u:geheim%@h",
        "amqp://u:geheim%4@h",
        "amqp://u:geheim%4g@h",
        "amqp://u:geheim%00@h",
        "amqp://u:geheim@h/%0a",
        "amqp://u:geheim@1,2,3,4,5,6,7,8,9",
        "amqp://u:geheim@?max_message_size=1MiB",
        "amqp://u:geheim@h?max_message_size=1",
        "amqp://u:geheim@h?max_message_size=65535",
        "amqp://u:geheim@h?max_message_size=63KiB",
        "amqp://u:geheim@h/v?",
        "amqp://u:geheim@h/v?max_message_size",
        "amqp://u:geheim@h/v?max_message_size=",
        "amqp://u:geheim@h/v?max_message_size=0",
        "amqp://u:geheim@h/v?max_message_size=KiB",
        "amqp://u:geheim@h/v?max_message_size=1GiB",
        "amqp://u:geheim@h/v?max_message_size=-1",
        "amqp://u:geheim@h/v?max_message_size=99999999999",
        "amqp://u:geheim@h/v?max_message_size=1MiB&",
        "amqp://u:geheim@h/v?max_message=1",
        "amqp://u:geheim@h/v?auth=plain",
        "amqps://u:geheim@h/v?auth=external",
        "amqps://u@h/v?auth=external",
        "amqp://h/v?auth=external",
        "amqps://h/v?auth=externally",
        "amqps://h/v?auth",
        /* Whose is the @? */
        "amqp://u/:geheim@h/v",
        "amqp://u?:geheim@h/v",
        "amqp://u:geheim/@h/v",
        "amqp://u:geheim?@h/v",
        "amqp://h/v@x",
        "amqp://h:5672/v@x",
        "amqp://h/v?max_message_size=1MiB&auth=@x",
    };
    struct mc_amqp_url url = {.host_count = 77};
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mcos_diag diag = {.text = ""};

        if (mc_amqp_url_parse(bad[i], &url, &diag) != MCOS_E_CONFIG)
            fail_msg("%s was taken", bad[i]);
        assert_true(diag.text[0] != '\0');
        assert_null(strstr(diag.text, "geheim"));
        mc_amqp_url_mask(bad[i], text, sizeof(text));
        assert_null(strstr(text, "geheim"));
    }
    assert_int_equal(url.host_count, 77);
    assert_int_equal(mc_amqp_url_parse("amqp://1,2,3,4,5,6,7,8", &url, NULL), 0);
    mc_amqp_url_mask("amqp://u:a@b:c@h:5/v", text, sizeof(text));
    assert_string_equal(text, "amqp://u:***@h:5/v");
    mc_amqp_url_mask("amqp://h:5/v", text, sizeof(text));
    assert_string_equal(text, "amqp://h:5/v");
}

static void words_of_an_address_have_a_limit(void **state)
{
    struct mc_amqp_url url;
    char text[600];

    (void)state;
    for (size_t n = MC_AMQP_WORD_MAX; n <= MC_AMQP_WORD_MAX + 1; n++) {
        int want = n == MC_AMQP_WORD_MAX ? 0 : MCOS_E_CONFIG;

        snprintf(text, sizeof(text), "amqp://%0*d", (int)n, 0);
        assert_int_equal(mc_amqp_url_parse(text, &url, NULL), want);
        snprintf(text, sizeof(text), "amqp://u:%0*d@h", (int)n, 0);
        assert_int_equal(mc_amqp_url_parse(text, &url, NULL), want);
    }
}

/* A thousand clusters whose broker was away, as row 17 of the catalogue has them; or is
 * slow: then they spread at least as wide as they waited. */
static void who_comes_back_comes_at_any_moment_of_a_growing_time(void **state)
{
    (void)state;
    for (unsigned tries = 0; tries < 40; tries++) {
        bool slow = tries >= 20;
        unsigned done = tries % 20;
        uint64_t most = done < 9 ? 200ull << done : 60000;
        unsigned tenths[10] = {0};

        if (slow)
            most = done == 0 ? 20000 : done == 1 ? 40000 : 60000;
        for (uint64_t seed = 0; seed < 1000; seed++) {
            struct mc_rng rng = mc_rng_init(seed);
            struct mc_amqp_pace pace = {.tries = done, .slow = slow ? done : 0};
            uint64_t ms = mc_amqp_pace_failed(&pace, slow, &rng);

            assert_true(ms <= most);
            assert_int_equal(pace.tries, done + 1);
            tenths[ms * 10 / (most + 1)]++;
        }
        for (int i = 0; i < 10; i++)
            assert_in_range(tenths[i], 50, 150);
    }
}

static void an_answer_is_waited_for_longer_each_time_it_did_not_come(void **state)
{
    static const unsigned seconds[] = {20, 40, 60, 60, 60};
    struct mc_rng rng = mc_rng_init(1);
    struct mc_amqp_pace pace = {0};

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(mc_amqp_pace_patience_ms(&pace), seconds[i] * 1000);
        /* Refused, reset or away: nothing was too slow. */
        (void)mc_amqp_pace_failed(&pace, false, &rng);
        assert_int_equal(mc_amqp_pace_patience_ms(&pace), seconds[i] * 1000);
        (void)mc_amqp_pace_failed(&pace, true, &rng);
    }
    for (size_t i = 0; i < 100; i++)
        (void)mc_amqp_pace_failed(&pace, true, &rng);
    assert_int_equal(mc_amqp_pace_patience_ms(&pace), 60000);
    /* Not by having been up for a moment, nor when what failed is not mended. */
    mc_amqp_pace_served(&pace, MC_AMQP_STEADY_MS - 1, false);
    mc_amqp_pace_served(&pace, MC_AMQP_STEADY_MS, true);
    assert_int_equal(mc_amqp_pace_patience_ms(&pace), 60000);
    assert_int_equal(pace.tries, 110);
    mc_amqp_pace_served(&pace, MC_AMQP_STEADY_MS, false);
    assert_int_equal(mc_amqp_pace_patience_ms(&pace), 20000);
    assert_int_equal(pace.tries, 0);
}

static void opened(void *ctx, int fd)
{
    *(int *)ctx = fd;
}

/* A server that takes connections and is silent, and then none. */
static void who_is_silent_is_slow_who_is_not_there_is_not(void **state)
{
    static const struct mc_amqp_tls tls = {.ca = "", .cert = "", .key = ""};
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    struct mc_amqp_link link;
    struct mc_amqp_url url;
    socklen_t len = sizeof(here);
    int fd = -1;

    (void)state;
    assert_int_equal(bind(server, (const struct sockaddr *)&here, len), 0);
    assert_int_equal(listen(server, 8), 0);
    assert_int_equal(getsockname(server, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(mc_amqp_url_parse("amqp://127.0.0.1", &url, NULL), 0);
    url.hosts[0].port = ntohs(here.sin_port);
    assert_int_equal(
        mc_amqp_link_open(&link, &url, &tls, &url.hosts[0], "test", 20, opened, &fd),
        MCOS_E_AWAY);
    assert_true(fd >= 0 && link.slow);
    assert_non_null(strstr(link.text, "log in: request timed out"));
    mc_amqp_link_close(&link);
    close(server);
    fd = -1;
    assert_int_equal(
        mc_amqp_link_open(&link, &url, &tls, &url.hosts[0], "test", 20, opened, &fd),
        MCOS_E_AWAY);
    assert_true(fd < 0 && !link.slow);
    mc_amqp_link_close(&link);
}

/* All four when nothing came for 15 s; else each of the three that are not heard of
 * within 45 s. */
static void bindings_that_live_are_left_alone(void **state)
{
    struct mc_amqp_watch watch;
    uint64_t now = 777;
    unsigned made = 0;

    (void)state;
    mc_amqp_watch_init(&watch, now);
    assert_int_equal(mc_amqp_watch_take(&watch, now + 14999), 0);
    for (int i = 0; i < 3; i++) {
        now += 15000;
        assert_int_equal(mc_amqp_watch_take(&watch, now), 15);
        assert_int_equal(mc_amqp_watch_take(&watch, now), 0);
        assert_int_equal(mc_amqp_watch_take(&watch, now + 14999), 0);
        mc_amqp_watch_heard(&watch, "talk.me", now + 1); /* not the binding of all */
        mc_amqp_watch_heard(&watch, "ring", now + 1);
    }
    for (int i = 0; i < 6; i++) {
        unsigned bit;

        mc_amqp_watch_heard(&watch, "talk", now + 14000);
        assert_int_equal(mc_amqp_watch_take(&watch, now + 14999), 0);
        now += 15000;
        bit = mc_amqp_watch_take(&watch, now);
        assert_true(bit == 1 || bit == 4 || bit == 8);
        assert_int_equal(made & bit, 0);
        made = i == 2 ? 0 : made | bit;
    }
    assert_int_equal(made, 13);
    /* The last letter came 1 s before: all 15 s after it, one in turn 15 s after them.
     */
    assert_int_equal(mc_amqp_watch_take(&watch, now + 13999), 0);
    assert_int_equal(mc_amqp_watch_take(&watch, now + 14000), 15);
    assert_int_equal(mc_amqp_watch_take(&watch, now + 15000), 0);
    mc_amqp_watch_heard(&watch, "talk", now + 16000);
    assert_int_equal(mc_amqp_watch_take(&watch, now + 29000), 4);
    /* However late it is asked, once is enough. */
    now += 200000;
    assert_int_equal(mc_amqp_watch_take(&watch, now), 15);
    assert_int_equal(mc_amqp_watch_take(&watch, now), 0);
}

/* --- heads and frames --- */

static struct mc_letter_head head_of(const char *key, uint64_t sequence)
{
    struct mc_letter_head head = {
        .sequence = sequence, .version = 7, .timestamp = 1ull << 61};

    snprintf(head.key, sizeof(head.key), "%s", key);
    assert_true(mc_name_set(&head.from, "a"));
    assert_true(mc_name_set(&head.ring_name, "object"));
    memset(head.from_uid, 0xab, sizeof(head.from_uid));
    return head;
}

static void a_head_survives_its_headers(void **state)
{
    struct mc_letter_head head = head_of("ring.b", UINT64_MAX), back = {0};
    struct mc_amqp_paper paper;

    (void)state;
    mc_amqp_letter_write(&head, 500, &paper);
    assert_int_equal(paper.properties.delivery_mode, 2);
    assert_false(paper.properties._flags & AMQP_BASIC_EXPIRATION_FLAG);
    mc_amqp_letter_read(&paper.properties, &back);
    memcpy(back.key, head.key, sizeof(back.key));
    assert_memory_equal(&back, &head, sizeof(head));
    head = head_of("talk", 1);
    head.ring_name.s[0] = '\0';
    mc_amqp_letter_write(&head, 500, &paper);
    assert_int_equal(paper.properties.delivery_mode, 1);
    assert_int_equal(paper.properties.headers.num_entries, 3);
    assert_int_equal(paper.properties.expiration.len, 3);
    assert_memory_equal(paper.properties.expiration.bytes, "500", 3);
}

static void what_is_not_valid_in_a_header_stays_empty(void **state)
{
    struct mc_letter_head head = head_of("ring", 5), nothing = {0};
    struct mc_amqp_paper paper;

    (void)state;
    for (int i = 0; i < 6; i++) {
        struct mc_letter_head back = {0};

        mc_amqp_letter_write(&head, 1, &paper);
        for (int k = 0; k < 6; k++) {
            amqp_field_value_t *v = &paper.headers[k].value;

            if (v->kind != AMQP_FIELD_KIND_UTF8)
                v->kind = AMQP_FIELD_KIND_VOID;
            else if (k == 1 && i < 4) /* one digit of the uid, at either end */
                paper.from_uid[i % 2 == 0 ? 0 : 31] = i < 2 ? 'g' : 'A';
            else if (k != 1)
                v->value.bytes = amqp_cstring_bytes(i == 0   ? ""
                                                    : i == 1 ? "../x"
                                                             : "A");
        }
        if (i >= 4)
            paper.headers[1].value.value.bytes.len = i == 4 ? 33 : 31;
        mc_amqp_letter_read(&paper.properties, &back);
        assert_memory_equal(&back, &nothing, sizeof(back));
    }
}

static void keys_lead_to_their_queue(void **state)
{
    static const char *const bad[] = {"",         "rin", "rings", "ring.", "talk.A",
                                      "ring.a.b", "tal", "RING",  "ring/a"};
    enum mc_bus_queue queue;
    char key[MC_BUS_KEY_MAX];

    (void)state;
    assert_true(mc_amqp_key_queue("ring", &queue) && queue == MC_QUEUE_RECORDS);
    assert_true(mc_amqp_key_queue("talk.x-1", &queue) && queue == MC_QUEUE_TALK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(mc_amqp_key_queue(bad[i], &queue));
    memset(key, 'a', sizeof(key)); /* without an end */
    memcpy(key, "ring.", 5);
    assert_false(mc_amqp_key_queue(key, &queue));
}

static const uint8_t me[MC_UID_BYTES] = {1};

static amqp_frame_t deliver(amqp_basic_deliver_t *m, const char *key, uint64_t tag)
{
    *m = (amqp_basic_deliver_t){.delivery_tag = tag,
                                .routing_key = amqp_cstring_bytes(key)};
    return (amqp_frame_t){
        .frame_type = AMQP_FRAME_METHOD,
        .payload.method = {.id = AMQP_BASIC_DELIVER_METHOD, .decoded = m}};
}

static amqp_frame_t header(struct mc_amqp_paper *paper, uint64_t size)
{
    return (amqp_frame_t){
        .frame_type = AMQP_FRAME_HEADER,
        .payload.properties = {.body_size = size, .decoded = &paper->properties}};
}

static amqp_frame_t body(const char *text)
{
    return (amqp_frame_t){.frame_type = AMQP_FRAME_BODY,
                          .payload.body_fragment = amqp_cstring_bytes(text)};
}

static int take(struct mc_amqp_parcel *p, amqp_frame_t frame, bool *whole)
{
    return mc_amqp_parcel_take(p, MC_QUEUE_TALK, me, &frame, whole);
}

static void frames_make_a_letter_and_nothing_else_does(void **state)
{
    struct mc_letter_head head = head_of("talk", 5);
    struct mc_amqp_parcel p = {0};
    struct mc_amqp_paper paper;
    amqp_basic_deliver_t m;
    bool whole = true;

    (void)state;
    mc_amqp_letter_write(&head, 1, &paper);
    assert_int_equal(take(&p, header(&paper, 3), &whole), MCOS_E_FORMAT);
    assert_int_equal(take(&p, body("x"), &whole), MCOS_E_FORMAT);
    assert_int_equal(take(&p, deliver(&m, "talk", 9), &whole), 0);
    assert_false(whole);
    assert_int_equal(take(&p, deliver(&m, "talk", 9), &whole), MCOS_E_FORMAT);
    assert_int_equal(take(&p, body("x"), &whole), MCOS_E_FORMAT);
    assert_int_equal(take(&p, header(&paper, 3), &whole), 0);
    assert_false(whole);
    assert_int_equal(take(&p, header(&paper, 3), &whole), MCOS_E_FORMAT);
    assert_int_equal(take(&p, body("ab"), &whole), 0);
    assert_false(whole);
    assert_int_equal(take(&p, body("cd"), &whole), MCOS_E_FORMAT); /* one too many */
    assert_int_equal(take(&p, body("c"), &whole), 0);
    assert_true(whole && !p.bad && !p.own);
    assert_int_equal(p.body.len, 3);
    assert_memory_equal(p.body.ptr, "abc", 3);
    assert_int_equal(p.head.sequence, 5);
    mc_amqp_parcel_clear(&p);
}

static void no_memory_is_spent_on_what_is_not_kept(void **state)
{
    struct mc_letter_head head = head_of("talk", 5);
    struct mc_amqp_parcel p = {0};
    struct mc_amqp_paper paper;
    amqp_basic_deliver_t m;
    bool whole;

    (void)state;
    mc_amqp_letter_write(&head, 1, &paper);
    /* At the limit it is taken, one past it is not. */
    for (uint64_t over = 0; over < 2; over++) {
        assert_int_equal(take(&p, deliver(&m, "talk", 9), &whole), 0);
        assert_int_equal(
            take(&p, header(&paper, mc_amqp_body_max(MC_QUEUE_TALK) + over), &whole),
            0);
        assert_int_equal(p.bad, over);
        assert_int_equal(p.body.ptr == NULL, over);
        mc_amqp_parcel_clear(&p);
    }
    assert_int_equal(take(&p, deliver(&m, "talk", 9), &whole), 0);
    assert_int_equal(take(&p, header(&paper, UINT64_MAX), &whole), 0);
    assert_true(p.bad && p.body.ptr == NULL && !whole);
    mc_amqp_parcel_clear(&p);
    /* Ours, and what came under another queue's key. */
    memcpy(head.from_uid, me, sizeof(me));
    mc_amqp_letter_write(&head, 1, &paper);
    assert_int_equal(take(&p, deliver(&m, "talk", 9), &whole), 0);
    assert_int_equal(take(&p, header(&paper, 2), &whole), 0);
    assert_int_equal(take(&p, body("ab"), &whole), 0);
    assert_true(whole && p.own && p.body.ptr == NULL);
    mc_amqp_parcel_clear(&p);
    assert_int_equal(take(&p, deliver(&m, "ring", 9), &whole), 0);
    assert_true(p.bad);
    mc_amqp_parcel_clear(&p);
}

/* --- the desk --- */

static uint64_t the_ms;

static uint64_t now_ms(struct mc_clock *clock)
{
    (void)clock;
    return the_ms;
}

static uint64_t wall_ns(struct mc_clock *clock)
{
    (void)clock;
    return 1000;
}

static struct mc_clock the_clock = {.now_ms = now_ms, .wall_ns = wall_ns};

static int set_desk(void **state)
{
    struct mc_amqp_desk *desk = malloc(sizeof(*desk));
    struct mc_bus_event ev;
    uint64_t wait;

    the_ms = 1000;
    *state = desk;
    assert_int_equal(mc_amqp_desk_init(desk, &the_clock, 500), 0);
    mc_amqp_desk_up(desk, MC_AMQP_PUBLISHER, false);
    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), MCOS_E_EMPTY);
    mc_amqp_desk_up(desk, MC_AMQP_CONSUMER, true);
    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    assert_true(ev.kind == MC_BUS_UP && ev.fresh_queue);
    return 0;
}

static int clear_desk(void **state)
{
    mc_amqp_desk_fini(*state);
    free(*state);
    return 0;
}

static int put(struct mc_amqp_desk *desk, uint64_t token, size_t bytes)
{
    struct mc_letter_head head = head_of("ring", token);
    uint8_t *text = calloc(1, bytes + 1);
    int err = mc_amqp_desk_put(desk, &head, (struct mc_bytes){text, bytes}, token);

    free(text);
    return err;
}

static void send_one(struct mc_amqp_desk *desk, uint64_t tag)
{
    struct mc_letter_head head;
    struct mc_blob *blob;

    assert_int_equal(mc_amqp_desk_take(desk, tag, &head, &blob), 0);
    mc_blob_unref(blob);
}

static void expect(struct mc_amqp_desk *desk, enum mc_bus_event_kind kind,
                   uint64_t token, int err)
{
    struct mc_bus_event ev;
    uint64_t wait;

    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    assert_int_equal(ev.kind, kind);
    assert_int_equal(ev.token, token);
    assert_int_equal(ev.err, err);
}

static void expect_nothing(struct mc_amqp_desk *desk)
{
    struct mc_bus_event ev;
    uint64_t wait;

    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), MCOS_E_EMPTY);
}

static void confirmations_find_their_letters(void **state)
{
    struct mc_amqp_desk *desk = *state;

    for (uint64_t n = 1; n <= 6; n++) {
        assert_int_equal(put(desk, 10 + n, 1), 0);
        send_one(desk, n);
    }
    mc_amqp_desk_settle(desk, 3, false, 0); /* out of order */
    mc_amqp_desk_settle(desk, 2, true, 0);
    mc_amqp_desk_settle(desk, 2, true, 0); /* again, and of what never was: nothing */
    mc_amqp_desk_settle(desk, 3, false, 0);
    mc_amqp_desk_settle(desk, 5, false, MCOS_E_BUSY);
    expect(desk, MC_BUS_CONFIRM, 13, 0);
    expect(desk, MC_BUS_CONFIRM, 11, 0);
    expect(desk, MC_BUS_CONFIRM, 12, 0);
    expect(desk, MC_BUS_CONFIRM, 15, MCOS_E_BUSY);
    expect_nothing(desk);
    mc_amqp_desk_settle(desk, 99, true, 0);
    expect(desk, MC_BUS_CONFIRM, 14, 0);
    expect(desk, MC_BUS_CONFIRM, 16, 0);
    expect_nothing(desk);
    /* The last one first: the earlier is not lost under what comes after. */
    for (uint64_t n = 7; n <= 9; n++) {
        assert_int_equal(put(desk, 10 + n, 1), 0);
        send_one(desk, n);
        if (n == 8)
            mc_amqp_desk_settle(desk, 8, false, 0);
    }
    mc_amqp_desk_settle(desk, 9, true, 0);
    expect(desk, MC_BUS_CONFIRM, 18, 0);
    expect(desk, MC_BUS_CONFIRM, 17, 0);
    expect(desk, MC_BUS_CONFIRM, 19, 0);
    expect_nothing(desk);
}

static void more_letters_than_the_limit_are_refused(void **state)
{
    struct mc_amqp_desk *desk = *state;

    for (uint64_t n = 1; n <= MC_AMQP_LETTERS_MAX; n++)
        assert_int_equal(put(desk, n, 1), 0);
    assert_int_equal(put(desk, 1, 1), MCOS_E_BUSY);
    send_one(desk, 1);
    mc_amqp_desk_settle(desk, 1, false, 0);
    assert_int_equal(put(desk, 1, 1), MCOS_E_BUSY); /* room is made when it is told */
    expect(desk, MC_BUS_CONFIRM, 1, 0);
    assert_int_equal(put(desk, 1, 1), 0);
    assert_int_equal(put(desk, 1, 1), MCOS_E_BUSY);
}

static void more_bytes_than_the_limit_are_refused(void **state)
{
    struct mc_amqp_desk *desk = *state;
    const size_t third = MC_AMQP_BYTES_MAX / 4;

    for (uint64_t n = 1; n <= 4; n++)
        assert_int_equal(put(desk, n, third), 0);
    assert_int_equal(put(desk, 5, 1), MCOS_E_BUSY);
    assert_int_equal(put(desk, 5, 0), 0);
    send_one(desk, 1);
    mc_amqp_desk_settle(desk, 1, false, 0);
    assert_int_equal(put(desk, 6, third + 1), MCOS_E_BUSY);
    assert_int_equal(put(desk, 6, third), 0);
}

static void down_comes_before_its_letters_and_up_after_them(void **state)
{
    struct mc_amqp_desk *desk = *state;

    assert_int_equal(put(desk, 1, 1), 0);
    assert_int_equal(put(desk, 2, 1), 0);
    send_one(desk, 1);
    mc_amqp_desk_down(desk, MC_AMQP_CONSUMER, MCOS_E_NOTFOUND, "gone");
    mc_amqp_desk_up(desk, MC_AMQP_CONSUMER, false); /* before anybody looked */
    expect(desk, MC_BUS_DOWN, 0, MCOS_E_NOTFOUND);
    expect(desk, MC_BUS_CONFIRM, 1, MCOS_E_AWAY);
    expect(desk, MC_BUS_CONFIRM, 2, MCOS_E_AWAY);
    expect(desk, MC_BUS_UP, 0, 0);
    mc_amqp_desk_settle(desk, 1, true, 0); /* the publisher never fell: late, unknown */
    expect_nothing(desk);
    mc_amqp_desk_down(desk, MC_AMQP_PUBLISHER, MCOS_E_AWAY, "gone");
    mc_amqp_desk_down(desk, MC_AMQP_CONSUMER, MCOS_E_AWAY, "gone");
    expect(desk, MC_BUS_DOWN, 0, MCOS_E_AWAY);
    assert_int_equal(put(desk, 3, 1), 0);
    expect(desk, MC_BUS_CONFIRM, 3, MCOS_E_AWAY);
    mc_amqp_desk_up(desk, MC_AMQP_PUBLISHER, false);
    mc_amqp_desk_down(desk, MC_AMQP_PUBLISHER, MCOS_E_AWAY, "gone");
    expect_nothing(desk); /* DOWN is said once */
}

static _Atomic(bool) came;

static void *come_up(void *ctx)
{
    (void)usleep(20000);
    came = true;
    mc_amqp_desk_up(ctx, MC_AMQP_PUBLISHER, false);
    return NULL;
}

/* One side that comes up ends the other's pause, but not one that begins later. */
static void who_came_up_before_a_pause_does_not_cut_it_short(void **state)
{
    struct mc_amqp_desk *desk = *state;
    pthread_t other;

    mc_amqp_desk_down(desk, MC_AMQP_CONSUMER, MCOS_E_AWAY, "gone");
    mc_amqp_desk_up(desk, MC_AMQP_PUBLISHER, false);
    came = false;
    assert_int_equal(pthread_create(&other, NULL, come_up, desk), 0);
    assert_false(mc_amqp_desk_pause(desk, MC_AMQP_CONSUMER, 60000));
    assert_true(came);
    assert_int_equal(pthread_join(other, NULL), 0);
}

static int bring(struct mc_amqp_desk *desk, enum mc_bus_queue queue, uint64_t tag)
{
    struct mc_amqp_parcel p = {.tag = tag};
    int err = mc_amqp_desk_deliver(desk, queue, &p);

    mc_amqp_parcel_clear(&p);
    return err;
}

static void no_letter_waits_for_ever(void **state)
{
    struct mc_amqp_desk *desk = *state;

    assert_int_equal(put(desk, 1, 1), 0);
    the_ms += MC_AMQP_SEND_MS - 1;
    expect_nothing(desk);
    the_ms++;
    expect(desk, MC_BUS_CONFIRM, 1, MCOS_E_BUSY);
    assert_int_equal(put(desk, 2, 1), 0);
    send_one(desk, 1);
    the_ms += MC_AMQP_CONFIRM_MS - 1;
    expect_nothing(desk);
    the_ms++;
    expect(desk, MC_BUS_CONFIRM, 2, MCOS_E_BUSY);
    mc_amqp_desk_settle(desk, 1, false, 0); /* what was given up was there after all */
    expect_nothing(desk);
}

static void a_broker_without_room_brings_letters_and_takes_none(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_letter_head head;
    struct mc_bus_event ev;
    struct mc_blob *blob;
    uint64_t wait;

    assert_int_equal(put(desk, 1, 1), 0);
    send_one(desk, 1);
    assert_int_equal(put(desk, 2, 1), 0);
    mc_amqp_desk_blocked(desk, true);
    mc_amqp_desk_blocked(desk, true);
    expect(desk, MC_BUS_DOWN, 0, MCOS_E_FULL);
    expect(desk, MC_BUS_CONFIRM, 1, MCOS_E_AWAY);
    expect(desk, MC_BUS_CONFIRM, 2, MCOS_E_AWAY);
    assert_int_equal(put(desk, 3, 1), 0);
    assert_int_equal(mc_amqp_desk_take(desk, 2, &head, &blob), MCOS_E_EMPTY);
    expect(desk, MC_BUS_CONFIRM, 3, MCOS_E_AWAY);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 7), 0);
    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    assert_int_equal(ev.kind, MC_BUS_MESSAGE);
    mc_blob_unref(ev.body);
    expect_nothing(desk);
    mc_amqp_desk_blocked(desk, false);
    mc_amqp_desk_settle(desk, 1, false, 0); /* it was there after all */
    expect(desk, MC_BUS_UP, 0, 0);
    expect_nothing(desk);
    mc_amqp_desk_ack(desk, ev.delivery);
    assert_int_equal(desk->ack_count, 1);
}

static void a_size_that_the_broker_refuses_is_laid_to_the_largest(void **state)
{
    struct mc_amqp_desk *desk = *state;

    for (uint64_t n = 1; n <= 3; n++) {
        assert_int_equal(put(desk, n, n == 2 ? 100 : 10), 0);
        send_one(desk, n);
    }
    assert_true(mc_amqp_desk_body_max(desk) == SIZE_MAX);
    mc_amqp_desk_refuse_largest(desk, 0);
    mc_amqp_desk_down(desk, MC_AMQP_PUBLISHER, MCOS_E_CONFIG, "too large");
    expect(desk, MC_BUS_DOWN, 0, MCOS_E_CONFIG);
    expect(desk, MC_BUS_CONFIRM, 2, MCOS_E_TOOBIG);
    expect(desk, MC_BUS_CONFIRM, 1, MCOS_E_AWAY);
    expect(desk, MC_BUS_CONFIRM, 3, MCOS_E_AWAY);
    /* It would cost the connection again; an operator may raise the limit. */
    mc_amqp_desk_up(desk, MC_AMQP_PUBLISHER, false);
    assert_int_equal(put(desk, 4, 100), MCOS_E_TOOBIG);
    assert_int_equal(put(desk, 4, 99), 0);
    assert_int_equal(mc_amqp_desk_body_max(desk), 99);
    the_ms += MC_AMQP_REFUSED_MS - 1;
    assert_int_equal(put(desk, 5, 100), MCOS_E_TOOBIG);
    the_ms++;
    assert_int_equal(put(desk, 5, 100), 0);
    assert_true(mc_amqp_desk_body_max(desk) == SIZE_MAX);
    /* In its own words it tells the limit, not the size that was too much. */
    send_one(desk, 4);
    mc_amqp_desk_refuse_largest(desk, 64);
    assert_int_equal(mc_amqp_desk_body_max(desk), 64);
    assert_int_equal(put(desk, 6, 64), 0);
    desk->body_max = 20; /* as the address says */
    assert_int_equal(put(desk, 7, 21), MCOS_E_TOOBIG);
    assert_int_equal(put(desk, 7, 20), 0);
    the_ms += MC_AMQP_REFUSED_MS;
    assert_int_equal(mc_amqp_desk_body_max(desk), 20);
}

static void a_broker_that_brings_too_much_is_not_believed(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_amqp_ack acks[4];
    struct mc_bus_event ev;
    uint64_t wait;

    for (uint64_t n = 1; n <= MC_AMQP_RECORDS_PREFETCH; n++)
        assert_int_equal(bring(desk, MC_QUEUE_RECORDS, n), 0);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 9), MCOS_E_FORMAT);
    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    mc_blob_unref(ev.body);
    mc_amqp_desk_ack(desk, ev.delivery + 1);
    mc_amqp_desk_ack(desk, ev.delivery);
    mc_amqp_desk_ack(desk, ev.delivery);
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 4), 1);
    assert_int_equal(acks[0].tag, 1);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 9), 0);
    for (uint64_t n = 1; n <= MC_AMQP_TALK_PREFETCH; n++)
        assert_int_equal(bring(desk, MC_QUEUE_TALK, n), 0);
    assert_int_equal(bring(desk, MC_QUEUE_TALK, 1000), MCOS_E_FORMAT);
}

static void a_fallen_consumer_takes_its_deliveries_along(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_amqp_ack acks[4];
    struct mc_bus_event ev;
    uint64_t wait;

    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 1), 0);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 2), 0);
    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    mc_blob_unref(ev.body);
    mc_amqp_desk_down(desk, MC_AMQP_CONSUMER, MCOS_E_AWAY, "gone");
    mc_amqp_desk_ack(desk, ev.delivery); /* of a connection that is gone */
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 4), 0);
    mc_amqp_desk_up(desk, MC_AMQP_CONSUMER, false);
    expect(desk, MC_BUS_DOWN, 0, MCOS_E_AWAY);
    expect(desk, MC_BUS_UP, 0, 0);
    expect_nothing(desk);
}

static void talk_that_lay_here_too_long_is_acknowledged_unread(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_amqp_ack acks[4];
    struct mc_bus_event ev;
    uint64_t wait;

    assert_int_equal(bring(desk, MC_QUEUE_TALK, 1), 0);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 2), 0);
    the_ms += 1;
    assert_int_equal(bring(desk, MC_QUEUE_TALK, 3), 0);
    the_ms += 500;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
        assert_int_equal(ev.queue, i == 0 ? MC_QUEUE_TALK : MC_QUEUE_RECORDS);
        mc_blob_unref(ev.body);
    }
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 4), 1);
    assert_int_equal(acks[0].tag, 1);
}

static bool consumer_was_rung(struct mc_amqp_desk *desk)
{
    struct pollfd p = {.fd = desk->side_fd[MC_AMQP_CONSUMER], .events = POLLIN};
    bool rung = poll(&p, 1, 0) == 1;

    mc_amqp_desk_heard(desk, MC_AMQP_CONSUMER);
    return rung;
}

/* As an agent does that acknowledges what it was given. */
static uint64_t next_delivery(struct mc_amqp_desk *desk)
{
    struct mc_bus_event ev = {0};
    uint64_t wait;

    assert_int_equal(mc_amqp_desk_next(desk, &ev, &wait), 0);
    mc_blob_unref(ev.body);
    return ev.delivery;
}

static void letters_of_talk_are_acknowledged_several_at_once(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_amqp_ack acks[8];
    uint64_t delivery[6];

    (void)consumer_was_rung(desk);
    assert_int_equal(mc_amqp_desk_patience(desk, 5000), 5000);
    for (uint64_t n = 1; n <= 5; n++)
        assert_int_equal(bring(desk, MC_QUEUE_TALK, n), 0);
    for (int i = 0; i < 4; i++)
        delivery[i] = next_delivery(desk);
    assert_int_equal(mc_amqp_desk_patience(desk, 5000), MC_AMQP_ACKS_MS);
    assert_int_equal(mc_amqp_desk_patience(desk, 50), 50);
    mc_amqp_desk_ack(desk, delivery[1]); /* 3 is with the agent, 5 lies here: */
    mc_amqp_desk_ack(desk, delivery[0]); /* up to 2 one stands for all */
    mc_amqp_desk_ack(desk, delivery[3]);
    assert_false(consumer_was_rung(desk));
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 8), 2);
    assert_int_equal(acks[0].tag, 4);
    assert_false(acks[0].multiple);
    assert_int_equal(acks[1].tag, 2);
    assert_true(acks[1].multiple);
    mc_amqp_desk_ack(desk, delivery[2]);
    mc_amqp_desk_ack(desk, next_delivery(desk));
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 1), 1); /* the next is left: */
    assert_int_equal(acks[0].tag, 3);
    assert_true(acks[0].multiple);
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 1), 1);
    assert_int_equal(acks[0].tag, 5);
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 8), 0);
    assert_int_equal(mc_amqp_desk_patience(desk, 5000), 5000);
}

static void a_record_and_many_letters_of_talk_are_acknowledged_now(void **state)
{
    struct mc_amqp_desk *desk = *state;
    struct mc_amqp_ack acks[4];

    (void)consumer_was_rung(desk);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 1), 0);
    assert_int_equal(bring(desk, MC_QUEUE_RECORDS, 2), 0);
    mc_amqp_desk_ack(desk, next_delivery(desk));
    assert_true(consumer_was_rung(desk));
    mc_amqp_desk_ack(desk, next_delivery(desk));
    assert_true(consumer_was_rung(desk));
    assert_int_equal(mc_amqp_desk_take_acks(desk, acks, 4), 2); /* each for itself */
    assert_false(acks[0].multiple || acks[1].multiple);
    for (uint64_t n = 1; n <= MC_AMQP_ACKS_TALK; n++) {
        assert_false(consumer_was_rung(desk));
        assert_int_equal(bring(desk, MC_QUEUE_TALK, n), 0);
        mc_amqp_desk_ack(desk, next_delivery(desk));
    }
    assert_true(consumer_was_rung(desk));
}

int main(void)
{
#define DESK(f) cmocka_unit_test_setup_teardown(f, set_desk, clear_desk)
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_address_tells_hosts_user_and_vhost),
        cmocka_unit_test(an_address_tells_what_the_brokers_take),
        cmocka_unit_test(who_comes_back_comes_at_any_moment_of_a_growing_time),
        cmocka_unit_test(an_answer_is_waited_for_longer_each_time_it_did_not_come),
        cmocka_unit_test(who_is_silent_is_slow_who_is_not_there_is_not),
        cmocka_unit_test(bindings_that_live_are_left_alone),
        cmocka_unit_test(a_bad_address_is_refused_and_its_password_not_told),
        cmocka_unit_test(words_of_an_address_have_a_limit),
        cmocka_unit_test(a_head_survives_its_headers),
        cmocka_unit_test(what_is_not_valid_in_a_header_stays_empty),
        cmocka_unit_test(keys_lead_to_their_queue),
        cmocka_unit_test(frames_make_a_letter_and_nothing_else_does),
        cmocka_unit_test(no_memory_is_spent_on_what_is_not_kept),
        DESK(who_came_up_before_a_pause_does_not_cut_it_short),
        DESK(confirmations_find_their_letters),
        DESK(more_letters_than_the_limit_are_refused),
        DESK(more_bytes_than_the_limit_are_refused),
        DESK(down_comes_before_its_letters_and_up_after_them),
        DESK(no_letter_waits_for_ever),
        DESK(a_broker_without_room_brings_letters_and_takes_none),
        DESK(a_size_that_the_broker_refuses_is_laid_to_the_largest),
        DESK(a_broker_that_brings_too_much_is_not_believed),
        DESK(letters_of_talk_are_acknowledged_several_at_once),
        DESK(a_record_and_many_letters_of_talk_are_acknowledged_now),
        DESK(a_fallen_consumer_takes_its_deliveries_along),
        DESK(talk_that_lay_here_too_long_is_acknowledged_unread),
    };
#undef DESK

    return cmocka_run_group_tests(cases, NULL, NULL);
}
