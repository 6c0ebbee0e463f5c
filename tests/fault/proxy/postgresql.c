/* postgresql: the messages of PostgreSQL's protocol, version 3. The reply to a COMMIT that was
 * applied is known by its tag, however it was asked for; a COMMIT that failed answers an error or
 * the tag ROLLBACK. Clients never send a COMMIT again on the same connection, so it is not
 * repeated. SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <string.h>
#include <strings.h>

enum { STARTUP_HEAD = 8, HEAD = 5, ANSWER = 1, LENGTH = 4 };
enum { SSL_REQUEST = 80877103, GSS_REQUEST = 80877104 };
enum { COMMIT_KEY = 0 };
static const uint8_t commit_tag[] = "COMMIT"; /* the zero at the end is sent too */

static void
start(struct connection *connection)
{
    connection->framer[TO_SERVER].wanted = STARTUP_HEAD;
    connection->framer[TO_CLIENT].wanted = HEAD;
}

static enum verdict
judge_startup(struct connection *connection, struct framer *framer)
{
    uint32_t length = frame_number(framer->head, LENGTH);
    uint32_t code = frame_number(framer->head + LENGTH, 4);
    if (length < STARTUP_HEAD || length > CHUNK_MAX) {
        note(connection->proxy, "error: a first packet of %u bytes is not PostgreSQL's", length);
        return OPAQUE;
    }
    framer->left = length - STARTUP_HEAD;
    if (code == SSL_REQUEST || code == GSS_REQUEST) {
        /* The client waits for the one byte before it starts anew. */
        connection->answers_encryption = true;
        connection->framer[TO_CLIENT].wanted = ANSWER;
    } else {
        framer->wanted = HEAD;
    }
    return PASS;
}

static enum verdict
judge_request(struct connection *connection, struct framer *framer)
{
    if (framer->wanted == STARTUP_HEAD)
        return judge_startup(connection, framer);
    uint32_t length = frame_number(framer->head + 1, LENGTH);
    if (length < LENGTH || length > INT32_MAX) {
        note(connection->proxy, "error: a request of %u bytes is not PostgreSQL's", length);
        return OPAQUE;
    }
    framer->left = length - LENGTH;
    if (framer->head[0] == 'Q' || framer->head[0] == 'E')
        connection->proxy->requests++;
    return PASS;
}

static enum verdict
judge_encryption(struct connection *connection, struct framer *framer)
{
    connection->answers_encryption = false;
    framer->wanted = HEAD;
    if (framer->head[0] == 'N')
        return PASS;
    note(connection->proxy, "error: an encrypted connection cannot be understood");
    connection->framer[TO_SERVER].opaque = true;
    return OPAQUE;
}

static enum verdict
judge_commit(struct connection *connection)
{
    if (rule_strikes(connection->proxy, DROP, COMMIT_KEY))
        return CUT;
    connection->commit_swallowed = rule_strikes(connection->proxy, SWALLOW, COMMIT_KEY);
    return connection->commit_swallowed ? SKIP : PASS;
}

static enum verdict
judge_reply(struct connection *connection, struct framer *framer)
{
    if (connection->answers_encryption)
        return judge_encryption(connection, framer);
    uint8_t type = framer->head[0];
    uint32_t length = frame_number(framer->head + 1, LENGTH);
    if (length < LENGTH || length > INT32_MAX) {
        note(connection->proxy, "error: a reply of %u bytes is not PostgreSQL's", length);
        return OPAQUE;
    }
    if (type == 'C' && length == LENGTH + sizeof(commit_tag) && framer->wanted == HEAD) {
        framer->wanted += sizeof(commit_tag);
        return MORE;
    }
    framer->left = length - LENGTH - (framer->wanted - HEAD);
    bool commit =
        framer->wanted > HEAD && memcmp(framer->head + HEAD, commit_tag, sizeof(commit_tag)) == 0;
    framer->wanted = HEAD;
    if (connection->commit_swallowed) {
        connection->commit_swallowed = type != 'Z';
        return SKIP;
    }
    return commit ? judge_commit(connection) : PASS;
}

static int
key_of(const char *name)
{
    return strcasecmp(name, "commit") == 0 ? COMMIT_KEY : -1;
}

static const char *
name_of(int key)
{
    return key == COMMIT_KEY ? "commit" : NULL;
}

const struct protocol protocol_postgresql = {
    .name = "postgresql",
    .start = start,
    .judge = {[TO_SERVER] = judge_request, [TO_CLIENT] = judge_reply},
    .key = key_of,
    .key_name = name_of,
    .repeats = false,
};
