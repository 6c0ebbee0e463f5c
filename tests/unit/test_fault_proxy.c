/* The fault proxy between this test's client and this test's server, on 127.0.0.1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy_help.h"

enum { PRODUCE = 0, METADATA = 3, END_TXN = 26, BODY = 20 };

struct frame_bytes {
    size_t size;
    uint8_t bytes[64];
};

static void
add_number(struct frame_bytes *frame, uint32_t number, int size)
{
    while (size-- > 0)
        frame->bytes[frame->size++] = (uint8_t)(number >> 8 * size);
}

static struct frame_bytes
request_of(int16_t key, int32_t correlation)
{
    struct frame_bytes frame = {0};
    add_number(&frame, 8 + BODY, 4);
    add_number(&frame, (uint16_t)key, 2);
    add_number(&frame, 3, 2);
    add_number(&frame, (uint32_t)correlation, 4);
    while (frame.size < 12 + BODY)
        add_number(&frame, (uint32_t)(correlation + (int32_t)frame.size), 1);
    return frame;
}

static struct frame_bytes
reply_of(int32_t correlation)
{
    struct frame_bytes frame = {0};
    add_number(&frame, 4 + BODY, 4);
    add_number(&frame, (uint32_t)correlation, 4);
    while (frame.size < 8 + BODY)
        add_number(&frame, (uint32_t)(correlation * 7 + (int32_t)frame.size), 1);
    return frame;
}

static void
ask(struct ends *ends, int16_t key, int32_t correlation)
{
    struct frame_bytes request = request_of(key, correlation);
    put(ends->client, request.bytes, request.size);
}

static void
expect_request(struct ends *ends, int16_t key, int32_t correlation)
{
    struct frame_bytes request = request_of(key, correlation);
    expect(ends->server, request.bytes, request.size);
}

static void
answer(struct ends *ends, int32_t correlation)
{
    struct frame_bytes reply = reply_of(correlation);
    put(ends->server, reply.bytes, reply.size);
}

static void
expect_reply(struct ends *ends, int32_t correlation)
{
    struct frame_bytes reply = reply_of(correlation);
    expect(ends->client, reply.bytes, reply.size);
}

static void
ask_and_answer(struct ends *ends, int16_t key, int32_t correlation)
{
    ask(ends, key, correlation);
    expect_request(ends, key, correlation);
    answer(ends, correlation);
    expect_reply(ends, correlation);
}

/* ---- nothing is wrong */

/* What stands at a place of the long stream: frames of 3 MiB, so that a length comes by itself. */
enum { FRAME = 3 << 20, STREAM = 4 * FRAME };
static uint8_t
byte_at(size_t at)
{
    size_t in_frame = at % FRAME;
    if (in_frame < 4)
        return (uint8_t)((uint32_t)(FRAME - 4) >> 8 * (3 - in_frame));
    return (uint8_t)(at * 2654435761U >> 13);
}

static void
write_stream(int fd)
{
    static uint8_t bytes[FRAME];
    for (size_t at = 0; at < STREAM; at += FRAME) {
        for (size_t i = 0; i < FRAME; i++)
            bytes[i] = byte_at(at + i);
        for (size_t sent = 0; sent < FRAME;) {
            ssize_t n = send(fd, bytes + sent, FRAME - sent, MSG_NOSIGNAL);
            if (n <= 0)
                _exit(1);
            sent += (size_t)n;
        }
    }
    _exit(0);
}

static void
expect_stream(int fd)
{
    uint8_t bytes[1 << 16];
    size_t at = 0;
    for (ssize_t n; at < STREAM && (n = recv(fd, bytes, sizeof(bytes), 0)) > 0; at += (size_t)n)
        for (size_t i = 0; i < (size_t)n; i++)
            if (bytes[i] != byte_at(at + i))
                ck_abort_msg("byte %zu is not the one that was sent", at + i);
    ck_assert_uint_eq(at, STREAM);
}

static pid_t
start_writing(int fd)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        write_stream(fd);
    return pid;
}

START_TEST(megabytes_pass_both_ways)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    pid_t writers[] = {start_writing(ends.client), start_writing(ends.server)};
    expect_stream(ends.server);
    expect_stream(ends.client);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(waitpid(writers[i], NULL, 0), writers[i]);
    assert_counts(&proxy, "connections=1 open=1 requests=4 ");
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(who_is_not_read_is_held_back_and_loses_nothing)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    pid_t writer = start_writing(ends.server);
    command(&proxy, "cut to-client 3600");
    ask(&ends, METADATA, 1); /* the other direction is not stopped by it */
    expect_request(&ends, METADATA, 1);
    expect_silence(ends.client);
    command(&proxy, "heal");
    expect_stream(ends.client);
    ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(an_end_is_passed_on_after_the_last_byte)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    ask(&ends, METADATA, 1);
    put(ends.client, "\0\0", 2); /* no whole head */
    ck_assert_int_eq(shutdown(ends.client, SHUT_WR), 0);
    expect_request(&ends, METADATA, 1);
    expect(ends.server, "\0\0", 2);
    expect_end(ends.server);
    answer(&ends, 1);
    close(ends.server);
    expect_reply(&ends, 1);
    expect_end(ends.client);
    close(ends.client);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(bytes_of_another_protocol_pass)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    static const char text[] = "\xff\xff\xff\xff is no length at all, yet it is passed on";
    put(ends.client, text, sizeof(text));
    expect(ends.server, text, sizeof(text));
    put(ends.server, text, sizeof(text));
    expect(ends.client, text, sizeof(text));
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_target_that_is_down_ends_the_connection)
{
    struct proxied proxy = proxy_start("kafka");
    close(proxy.server);
    int client = proxy_connect(&proxy);
    expect_reset(client);
    close(client);
    proxy.server = -1;
    proxy_stop(&proxy);
}
END_TEST

/* ---- rules */

START_TEST(a_dropped_reply_ends_the_connection_after_the_server_has_the_request)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy), other = ends_open(&proxy);
    command(&proxy, "drop EndTxn 1");
    ask(&ends, METADATA, 1);
    ask(&ends, END_TXN, 2);
    expect_request(&ends, METADATA, 1);
    expect_request(&ends, END_TXN, 2);
    answer(&ends, 1);
    answer(&ends, 2);
    expect_reply(&ends, 1); /* what came before is not lost */
    expect_end(ends.client);
    expect_end(ends.server);
    ask_and_answer(&other, METADATA, 1);
    assert_counts(&proxy, "connections=2 open=1 requests=3 dropped=1 swallowed=0 repeated=0 "
                          "late=0 drop.EndTxn=1\n");
    ends_close(&ends);
    ends_close(&other);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_swallowed_reply_leaves_the_connection)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "swallow 0 1");
    ask(&ends, PRODUCE, 1);
    ask(&ends, METADATA, 2);
    expect_request(&ends, PRODUCE, 1);
    expect_request(&ends, METADATA, 2);
    answer(&ends, 1);
    answer(&ends, 2);
    expect_reply(&ends, 2);
    assert_counts(&proxy, "open=1 requests=2 dropped=0 swallowed=1 ");
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_repeated_request_is_answered_once)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "repeat-delay 20");
    command(&proxy, "repeat EndTxn 1");
    ask_and_answer(&ends, END_TXN, 5);
    expect_request(&ends, END_TXN, 5);
    command(&proxy, "repeat EndTxn 0");
    ask(&ends, END_TXN, 6);
    expect_request(&ends, END_TXN, 6);
    answer(&ends, 5);
    answer(&ends, 6);
    expect_reply(&ends, 6);
    assert_counts(&proxy, "requests=2 dropped=0 swallowed=0 repeated=1 late=0 repeat.EndTxn=1\n");
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_copy_waits_until_another_request_is_whole)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "repeat 26 1");
    struct frame_bytes first = request_of(END_TXN, 1), second = request_of(METADATA, 2);
    uint8_t both[128];
    size_t part = first.size + second.size - 5;
    memcpy(both, first.bytes, first.size);
    memcpy(both + first.size, second.bytes, second.size);
    put(ends.client, both, part);
    expect(ends.server, both, part);
    expect_silence(ends.server);
    put(ends.client, both + part, 5);
    expect(ends.server, both + part, 5);
    expect_request(&ends, END_TXN, 1);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_copy_is_sent_though_the_client_has_left)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "repeat-delay 20");
    command(&proxy, "repeat EndTxn 1");
    ask(&ends, END_TXN, 1);
    close(ends.client);
    expect_request(&ends, END_TXN, 1);
    expect_request(&ends, END_TXN, 1);
    answer(&ends, 1);
    answer(&ends, 1);
    expect_end(ends.server);
    close(ends.server);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_late_request_arrives_after_the_client_was_sent_away)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "repeat-delay 3600000");
    command(&proxy, "late EndTxn 1");
    ask(&ends, METADATA, 1);
    ask(&ends, END_TXN, 2);
    expect_request(&ends, METADATA, 1);
    expect_end(ends.client);
    close(ends.client);
    expect_silence(ends.server);
    command(&proxy, "late EndTxn 0");
    struct ends again = ends_open(&proxy);
    ask_and_answer(&again, END_TXN, 1);
    command(&proxy, "heal");
    expect_request(&ends, END_TXN, 2);
    expect_silence(ends.server); /* no end before the server has answered */
    answer(&ends, 1);
    answer(&ends, 2);
    expect_end(ends.server);
    assert_counts(&proxy,
                  "open=1 requests=3 dropped=0 swallowed=0 repeated=0 late=1 late.EndTxn=1\n");
    close(ends.server);
    ends_close(&again);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_dropped_reply_leaves_the_copy_to_come)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "repeat-delay 20");
    command(&proxy, "repeat EndTxn 1");
    command(&proxy, "drop EndTxn 1");
    ask(&ends, END_TXN, 1);
    expect_request(&ends, END_TXN, 1);
    answer(&ends, 1);
    expect_end(ends.client);
    expect_request(&ends, END_TXN, 1);
    answer(&ends, 1);
    expect_end(ends.server);
    assert_counts(&proxy, "open=0 requests=1 dropped=1 swallowed=0 repeated=1 late=0 ");
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_probability_strikes_some_and_not_all)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    enum { REQUESTS = 200 };
    command(&proxy, "swallow Produce 0.5");
    for (int32_t i = 0; i < REQUESTS; i++) {
        ask(&ends, PRODUCE, i);
        expect_request(&ends, PRODUCE, i);
        answer(&ends, i);
    }
    shutdown(ends.server, SHUT_WR);
    int passed = 0;
    for (char reply[8 + BODY]; recv(ends.client, reply, sizeof(reply), MSG_WAITALL) > 0;)
        passed++;
    ck_assert_int_gt(passed, REQUESTS / 4);
    ck_assert_int_lt(passed, REQUESTS * 3 / 4);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(heal_ends_the_rules)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "drop Metadata 1");
    command(&proxy, "swallow EndTxn 1");
    command(&proxy, "repeat Produce 1");
    command(&proxy, "heal");
    ask_and_answer(&ends, METADATA, 1);
    ask_and_answer(&ends, END_TXN, 2);
    ask_and_answer(&ends, PRODUCE, 3);
    expect_silence(ends.server);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

/* ---- weather */

START_TEST(a_cut_holds_one_direction_and_then_lets_it_flow)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    ask(&ends, METADATA, 1);
    expect_request(&ends, METADATA, 1);
    command(&proxy, "cut to-server 3600");
    ask(&ends, METADATA, 2);
    answer(&ends, 1);
    expect_reply(&ends, 1);
    expect_silence(ends.server);
    struct ends late = ends_open(&proxy); /* accepted, and as silent */
    ask(&late, METADATA, 1);
    expect_silence(late.server);
    command(&proxy, "cut to-server 0.05"); /* ends by itself */
    expect_request(&ends, METADATA, 2);
    expect_request(&late, METADATA, 1);
    ends_close(&ends);
    ends_close(&late);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_cut_holds_ends_too)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "cut both 3600");
    close(ends.client);
    expect_silence(ends.server);
    command(&proxy, "heal");
    expect_end(ends.server);
    close(ends.server);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(delayed_bytes_arrive_in_order)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "delay 2 20");
    for (int32_t i = 0; i < 20; i++) {
        char counts[32];
        ask(&ends, METADATA, i);
        snprintf(counts, sizeof(counts), "requests=%d ", i + 1);
        assert_counts(&proxy, counts); /* it has read this one, so each gets a time of its own */
    }
    for (int32_t i = 0; i < 20; i++)
        expect_request(&ends, METADATA, i);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(heal_lets_delayed_bytes_flow)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "delay 3600000");
    ask(&ends, METADATA, 1);
    answer(&ends, 9);
    expect_silence(ends.server);
    expect_silence(ends.client);
    command(&proxy, "heal");
    expect_request(&ends, METADATA, 1);
    expect_reply(&ends, 9);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(trickling_bytes_all_arrive)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "trickle 1 3600");
    ask(&ends, METADATA, 1);
    struct frame_bytes request = request_of(METADATA, 1);
    expect(ends.server, request.bytes, 1); /* the first at once, the second a second later */
    expect_silence(ends.server);
    command(&proxy, "heal");
    expect(ends.server, request.bytes + 1, request.size - 1);
    command(&proxy, "trickle 1000 3600");
    ask_and_answer(&ends, METADATA, 2);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(reset_ends_all_connections)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends one = ends_open(&proxy), two = ends_open(&proxy);
    ask_and_answer(&one, METADATA, 1);
    ask_and_answer(&two, METADATA, 1);
    command(&proxy, "reset");
    expect_reset(one.client);
    expect_reset(one.server);
    expect_reset(two.client);
    expect_reset(two.server);
    struct ends three = ends_open(&proxy);
    ask_and_answer(&three, METADATA, 1);
    assert_counts(&proxy, "connections=3 open=1 ");
    ends_close(&one);
    ends_close(&two);
    ends_close(&three);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(refused_connections_end_at_once)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends before = ends_open(&proxy);
    command(&proxy, "refuse 3600");
    int refused = proxy_connect(&proxy);
    expect_reset(refused);
    ask_and_answer(&before, METADATA, 1);
    command(&proxy, "heal");
    struct ends after = ends_open(&proxy);
    ask_and_answer(&after, METADATA, 1);
    close(refused);
    ends_close(&before);
    ends_close(&after);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(connections_do_not_mix)
{
    struct proxied proxy = proxy_start("kafka");
    struct ends ends[5];
    for (int i = 0; i < 5; i++)
        ends[i] = ends_open(&proxy);
    for (int i = 0; i < 5; i++)
        ask(&ends[i], METADATA, 10 + i);
    for (int i = 4; i >= 0; i--) {
        expect_request(&ends[i], METADATA, 10 + i);
        answer(&ends[i], 10 + i);
    }
    for (int i = 0; i < 5; i++) {
        expect_reply(&ends[i], 10 + i);
        ends_close(&ends[i]);
    }
    proxy_stop(&proxy);
}
END_TEST

START_TEST(wrong_commands_are_logged_and_change_nothing)
{
    struct proxied proxy = proxy_start("kafka");
    static const char *const wrong[] = {
        "drop",
        "drop EndTxn",
        "drop EndTxn 1.5",
        "drop EndTxn often",
        "drop Nothing 1",
        "drop 128 1",
        "drop -1 1",
        "drop EndTxn 1 1",
        "swallow commit 1",
        "delay",
        "delay -1",
        "delay nan",
        "cut sideways 1",
        "cut both 1e9",
        "refuse x",
        "trickle 0 1",
        "trickle 10",
        "repeat-delay",
        "dance",
        "drop 26 1 2 3 4 5 6",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        command_answered(&proxy, wrong[i], "error: ");
    char line[512], text[400] = "";
    memset(text, 'x', sizeof(text) - 1);
    ck_assert_int_gt(dprintf(proxy.control, "\n  \n%s\n", text), 0);
    await_line(&proxy, "error: a command of 256 bytes or more", line);
    struct ends ends = ends_open(&proxy);
    ask_and_answer(&ends, END_TXN, 1);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

RUN_TESTS("fault_proxy", megabytes_pass_both_ways, who_is_not_read_is_held_back_and_loses_nothing,
          an_end_is_passed_on_after_the_last_byte, bytes_of_another_protocol_pass,
          a_target_that_is_down_ends_the_connection,
          a_dropped_reply_ends_the_connection_after_the_server_has_the_request,
          a_swallowed_reply_leaves_the_connection, a_repeated_request_is_answered_once,
          a_copy_waits_until_another_request_is_whole, a_copy_is_sent_though_the_client_has_left,
          a_late_request_arrives_after_the_client_was_sent_away,
          a_dropped_reply_leaves_the_copy_to_come, a_probability_strikes_some_and_not_all,
          heal_ends_the_rules, a_cut_holds_one_direction_and_then_lets_it_flow,
          a_cut_holds_ends_too, delayed_bytes_arrive_in_order, heal_lets_delayed_bytes_flow,
          trickling_bytes_all_arrive, reset_ends_all_connections, refused_connections_end_at_once,
          connections_do_not_mix, wrong_commands_are_logged_and_change_nothing)
