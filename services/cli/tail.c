/* tail: a topic's records as they are committed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "output.h"
#include "verbs.h"

#define POLL_MS  200
#define LAST_MAX 1000
/* Commit markers and aborted records take offsets too, so more is read than is asked for. */
#define LOOK_BACK(n)   (2 * (n) + 100)
#define PARTITIONS_MAX 1000

struct tail_options {
    int64_t last, limit;
};
static const struct option_row tail_options[] = {
    OPTION(tail_options, last, 'n', COUNT, "N", "10",
           "begin with the last N records, 1000 at most"),
    OPTION(tail_options, limit, 0, COUNT, "N", NULL, "end after N records; 0: never"),
    {0},
};

struct tail {
    struct cli *cli;
    struct reader *reader;
    struct message **kept; /* the last records: `seen` of room for `last` */
    int64_t last, limit, seen, printed;
};

/* ---- one record */

static json_t *
json_or_text(struct bytes value)
{
    json_t *parsed = value.at == NULL ? NULL
                                      : json_loadb((const char *)value.at, value.length,
                                                   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    return parsed != NULL ? parsed : output_json_bytes(value);
}

static void
print_json(const struct message *message, const char *time)
{
    json_t *headers = json_object();
    for (size_t i = 0; i < message->headers; i++) {
        char *name = output_printable(bytes_of(message->header[i].name));
        json_object_set_new(headers, name != NULL ? name : "?",
                            output_json_bytes(message->header[i].value));
        free(name);
    }
    json_t *record = json_pack(
        "{s:s s:i s:I s:s s:o s:o s:o}", "topic", message->topic, "partition",
        (int)message->partition, "offset", (json_int_t)message->offset, "time", time, "key",
        output_json_bytes(message->key), "headers", headers, "value", json_or_text(message->value));
    json_dumpf(record, stdout, JSON_COMPACT | OUTPUT_REALS);
    putchar('\n');
    json_decref(record);
}

static void
print_line(const struct message *message, const char *time)
{
    const struct bytes *id = message_header(message, "ce_id");
    char *key_text = output_printable(message->key);
    char *id_text = id != NULL ? output_printable(*id) : NULL;
    char *value = output_printable(message->value);
    printf("%d@%lld  %s  key=%s  ce_id=%s  %s\n", (int)message->partition,
           (long long)message->offset, time,
           message->key.at != NULL && key_text != NULL ? key_text : "-",
           id_text != NULL ? id_text : "-",
           message->value.at == NULL ? "(tombstone)"
           : value != NULL           ? value
                                     : "?");
    free(key_text);
    free(id_text);
    free(value);
}

static void
print_message(struct tail *tail, const struct message *message)
{
    char time[TIMESTAMP_LENGTH] = "-";
    if (message->time_us >= 0)
        timestamp_print(message->time_us, time);
    if (tail->cli->json)
        print_json(message, time);
    else
        print_line(message, time);
    fflush(stdout);
    tail->printed++;
}

/* ---- where to begin */

static int
find_start(struct tail *tail, const char *topic, struct position *at, size_t *count)
{
    struct error err = {0};
    int partitions = 0;
    if (broker_partitions(tail->cli->broker, topic, &partitions, &err) != 0)
        return complain_error(tail->cli, &err, "asking Kafka about %s", topic);
    if (partitions == 0)
        return complain(STATUS_NOT_FOUND,
                        "Give a full name, or <pipeline>.<stage> such as loan.raw.",
                        "topic %s does not exist", topic);
    *count = partitions < PARTITIONS_MAX ? (size_t)partitions : PARTITIONS_MAX;
    for (size_t i = 0; i < *count; i++) {
        int64_t low = 0, high = 0;
        if (broker_watermarks(tail->cli->broker, topic, (int32_t)i, &low, &high, &err) != 0)
            return complain_error(tail->cli, &err, "asking Kafka about %s", topic);
        int64_t from = tail->last > 0 ? high - LOOK_BACK(tail->last) : high;
        at[i] = (struct position){.partition = (int32_t)i, .offset = from > low ? from : low};
        snprintf(at[i].topic, sizeof(at[i].topic), "%s", topic);
    }
    return 0;
}

/* ---- the last records, then live ones */

static int
older_first(const void *a, const void *b)
{
    const struct message *left = *(struct message *const *)a, *right = *(struct message *const *)b;
    if (left->time_us != right->time_us)
        return left->time_us < right->time_us ? -1 : 1;
    if (left->partition != right->partition)
        return left->partition < right->partition ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static bool
is_over(const struct tail *tail)
{
    return cli_interrupted() || cli_time_left(tail->cli, 1) == 0 ||
           (tail->limit > 0 && tail->printed >= tail->limit);
}

/* Keeps the newest by time, whatever partition they come from: the oldest kept gives way. */
static void
keep(struct tail *tail, struct message *message)
{
    if (tail->seen < tail->last) {
        tail->kept[tail->seen++] = message;
        return;
    }
    size_t oldest = 0;
    for (size_t i = 1; i < (size_t)tail->last; i++)
        if (older_first(&tail->kept[i], &tail->kept[oldest]) < 0)
            oldest = i;
    if (older_first(&message, &tail->kept[oldest]) < 0) {
        message_free(&message);
        return;
    }
    message_free(&tail->kept[oldest]);
    tail->kept[oldest] = message;
}

static int
collect_last(struct tail *tail, struct error *err)
{
    while (!reader_at_end(tail->reader) && !is_over(tail)) {
        struct message *message = NULL;
        if (reader_poll(tail->reader, POLL_MS, &message, err) != 0)
            return -1;
        if (message != NULL)
            keep(tail, message);
    }
    qsort(tail->kept, (size_t)tail->seen, sizeof(struct message *), older_first);
    for (int64_t i = 0; i < tail->seen; i++)
        if (tail->limit == 0 || tail->printed < tail->limit)
            print_message(tail, tail->kept[i]);
    return 0;
}

static int
follow(struct tail *tail)
{
    struct error err = {0};
    int failed = tail->last > 0 ? collect_last(tail, &err) : 0;
    while (failed == 0 && !is_over(tail)) {
        struct message *message = NULL;
        failed = reader_poll(tail->reader, POLL_MS, &message, &err);
        if (message != NULL)
            print_message(tail, message);
        message_free(&message);
    }
    if (failed != 0)
        return complain_error(tail->cli, &err, "reading");
    bool enough = tail->limit > 0 && tail->printed >= tail->limit;
    if (!enough && !cli_interrupted())
        return tail->limit > 0
                   ? complain(STATUS_TIMED_OUT, NULL, "%lld of %lld records came in time",
                              (long long)tail->printed, (long long)tail->limit)
                   : STATUS_TIMED_OUT;
    return STATUS_DONE;
}

static int
run_tail(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct tail_options *options = given;
    struct error err = {0};
    struct tail tail = {.cli = cli, .limit = options->limit};
    size_t count = 0, prefix = strlen(cli->settings.prefix);
    tail.last = options->last < LAST_MAX ? options->last : LAST_MAX;
    bool full = strncmp(argv[0], cli->settings.prefix, prefix) == 0 && argv[0][prefix] == '.';
    const char *topic =
        full ? argv[0] : arena_print(cli->arena, "%s.%s", cli->settings.prefix, argv[0]);
    struct position *at = arena_alloc(cli->arena, PARTITIONS_MAX, sizeof(*at));
    tail.kept = arena_alloc(cli->arena, (size_t)tail.last + 1, sizeof(struct message *));
    if (topic == NULL || at == NULL || tail.kept == NULL)
        return complain(STATUS_FAILED, NULL, "out of memory");
    int status = cli_open_broker(cli);
    if (status == 0)
        status = find_start(&tail, topic, at, &count);
    if (status != 0)
        return status;
    cli_catch_interrupt();
    if (reader_open(cli->broker, READ_GIVEN, at, count, &tail.reader, &err) != 0)
        return complain_error(cli, &err, "reading %s", topic);
    status = follow(&tail);
    for (int64_t i = 0; i < tail.seen; i++)
        message_free(&tail.kept[i]);
    reader_close(&tail.reader);
    return status;
}

const struct verb verb_tail = {
    .words = "tail",
    .arguments = "TOPIC",
    .summary = "a topic's last records, then live ones until Ctrl-C",
    .examples = "  millrace tail loan.decisions\n"
                "  millrace tail millrace.loan.dead -n 1 --limit 1 -o json\n"
                "  millrace tail loan.raw -n 0 --timeout 10s\n",
    .notes = "  Committed records alone. A line is partition@offset, time, key, ce_id, value; with "
             "-o json\n  one object a line, headers too.\n",
    .options = tail_options,
    .options_size = sizeof(struct tail_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "0",
    .run = run_tail,
};
