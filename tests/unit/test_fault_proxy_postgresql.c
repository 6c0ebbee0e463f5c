/* The fault proxy with PostgreSQL's messages; what all protocols share is in test_fault_proxy.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "proxy_help.h"

#define STARTUP "\0\0\0\x0c\0\3\0\0abc"
#define COMMIT                                                                                     \
    "Q\0\0\0\x0b"                                                                                  \
    "COMMIT"
#define READY "Z\0\0\0\5I"
#define BEGUN                                                                                      \
    "C\0\0\0\x0a"                                                                                  \
    "BEGIN\0" READY
#define DONE                                                                                       \
    "C\0\0\0\x0b"                                                                                  \
    "COMMIT\0" READY
#define UNDONE                                                                                     \
    "C\0\0\0\x0d"                                                                                  \
    "ROLLBACK\0" READY
#define A_ROW                                                                                      \
    "D\0\0\0\x0b"                                                                                  \
    "COMMIT\0"
/* Without the zero that C adds. */
#define PUT(fd, text)    put(fd, text, sizeof(text) - 1)
#define EXPECT(fd, text) expect(fd, text, sizeof(text) - 1)

/* A session as libpq opens one where the server knows no encryption. */
static struct ends
session_open(const struct proxied *proxy)
{
    struct ends ends = ends_open(proxy);
    PUT(ends.client, "\0\0\0\x08\x04\xd2\x16\x2f");
    EXPECT(ends.server, "\0\0\0\x08\x04\xd2\x16\x2f");
    PUT(ends.server, "N");
    EXPECT(ends.client, "N");
    put(ends.client, STARTUP, 12);
    expect(ends.server, STARTUP, 12);
    PUT(ends.server, READY);
    EXPECT(ends.client, READY);
    return ends;
}

static void
commit(struct ends *ends)
{
    put(ends->client, COMMIT, 12);
    expect(ends->server, COMMIT, 12);
}

START_TEST(the_reply_to_a_commit_is_dropped)
{
    struct proxied proxy = proxy_start("postgresql");
    struct ends ends = session_open(&proxy);
    command(&proxy, "drop commit 1");
    PUT(ends.server, BEGUN);
    EXPECT(ends.client, BEGUN);
    PUT(ends.server, A_ROW);
    EXPECT(ends.client, A_ROW);
    commit(&ends);
    PUT(ends.server, UNDONE); /* was not applied */
    EXPECT(ends.client, UNDONE);
    commit(&ends);
    for (size_t i = 0; i < sizeof(DONE) - 1; i++) /* however it is cut up */
        (void)!send(ends.server, &DONE[i], 1, MSG_NOSIGNAL);
    expect_end(ends.client);
    assert_counts(&proxy,
                  "open=0 requests=2 dropped=1 swallowed=0 repeated=0 late=0 drop.commit=1\n");
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(the_reply_to_a_commit_is_swallowed)
{
    struct proxied proxy = proxy_start("postgresql");
    struct ends ends = session_open(&proxy);
    command(&proxy, "swallow commit 1");
    commit(&ends);
    PUT(ends.server, DONE BEGUN);
    EXPECT(ends.client, BEGUN);
    command(&proxy, "heal");
    PUT(ends.server, DONE);
    EXPECT(ends.client, DONE);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(an_encrypted_session_passes)
{
    struct proxied proxy = proxy_start("postgresql");
    struct ends ends = ends_open(&proxy);
    command(&proxy, "drop commit 1");
    PUT(ends.client, "\0\0\0\x08\x04\xd2\x16\x30");
    EXPECT(ends.server, "\0\0\0\x08\x04\xd2\x16\x30");
    PUT(ends.server, "G");
    EXPECT(ends.client, "G");
    PUT(ends.client, "\1\2");
    EXPECT(ends.server, "\1\2");
    PUT(ends.server, DONE);
    EXPECT(ends.client, DONE);
    ends_close(&ends);
    proxy_stop(&proxy);
}
END_TEST

START_TEST(a_commit_is_not_repeated)
{
    struct proxied proxy = proxy_start("postgresql");
    command_answered(&proxy, "repeat commit 1", "error: ");
    command_answered(&proxy, "late commit 1", "error: ");
    command_answered(&proxy, "drop EndTxn 1", "error: ");
    proxy_stop(&proxy);
}
END_TEST

RUN_TESTS("fault_proxy_postgresql", the_reply_to_a_commit_is_dropped,
          the_reply_to_a_commit_is_swallowed, an_encrypted_session_passes, a_commit_is_not_repeated)
