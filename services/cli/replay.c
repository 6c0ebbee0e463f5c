/* replay: dead letters sent back to where they were read, once the cause is mended.
 * SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "letters.h"
#include "progress.h"
#include "verbs.h"

#define POLL_MS  200
#define FLUSH_MS 500

static const struct option_row replay_options[] = {
    OPTION_REQUIRED(replay_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(replay_options, reason, 'r', TEXT, "REASON", NULL,
           "letters of this reason alone; else all but duplicates"),
    OPTION(replay_options, since, 0, TEXT, "TIME", NULL,
           "events received at that time (RFC 3339) or later"),
    OPTION(replay_options, event, 0, TEXT, "ID", NULL, "letters of this event alone"),
    OPTION(replay_options, limit, 'n', COUNT, "N", NULL, "at most N letters, oldest first; 0: all"),
    OPTION(replay_options, rate, 0, REAL, "R", NULL,
           "send R letters a second; 0: as fast as it goes"),
    OPTION(replay_options, again, 0, FLAG, NULL, NULL, "also letters that were replayed before"),
    OPTION(replay_options, dry_run, 0, FLAG, NULL, NULL, "count what would be sent, send nothing"),
    {0},
};

struct run {
    struct replay replay;
    struct producer *producer;
    struct progress progress;
    struct arena *arena; /* reset for each letter */
    int64_t chosen, sent, gone, recovered, started_ms;
};

static bool
is_over(const struct run *run)
{
    return cli_interrupted() || cli_time_left(run->replay.cli, 1) == 0;
}

/* ---- sending */
/* Waits until the next letter is due; false when it is time to stop. */
static bool
wait_turn(struct run *run)
{
    double rate = run->replay.options->rate;
    int64_t due = rate > 0 ? run->started_ms + (int64_t)((double)run->sent * 1000 / rate) : 0;
    for (;;) {
        int64_t wait = due - clock_monotonic_ms();
        if (is_over(run))
            return false;
        if (wait <= 0)
            return true;
        clock_sleep_ms(wait < POLL_MS ? wait : POLL_MS);
    }
}

static struct letter_place *
find_letter(struct replay *replay, const struct message *message)
{
    size_t low = 0, high = replay->letters;
    while (low < high) {
        size_t i = low + (high - low) / 2;
        struct letter_place *letter = &replay->letter[i];
        if (letter->partition == message->partition && letter->offset == message->offset)
            return letter;
        if (letter->partition < message->partition ||
            (letter->partition == message->partition && letter->offset < message->offset))
            low = i + 1;
        else
            high = i;
    }
    return NULL;
}

static bool
ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), most = strlen(end);
    return length >= most && strcmp(text + length - most, end) == 0;
}

static int
send_letter(struct run *run, struct letter_place *letter, const struct message *message,
            struct error *err)
{
    struct record record;
    bool door = ends_with(letter->target_topic, ".events");
    arena_reset(run->arena);
    if (letter_replay(run->arena, message, letter->target_topic, letter->target_partition, door,
                      run->replay.pipeline->version, &record, err) != 0 ||
        producer_send(run->producer, &record, err) != 0)
        return -1;
    letter->outcome = LETTER_SENT;
    run->sent++;
    progress_show(&run->progress, run->sent, run->chosen, NULL);
    return 0;
}

static int
open_letters(struct run *run, struct reader **reader, struct error *err)
{
    struct replay *replay = &run->replay;
    struct position *at =
        calloc((size_t)replay->pipeline->partitions + 1, sizeof(*at)); /* a partition at most */
    size_t count = 0;
    if (at == NULL)
        return error_memory(err, "positions");
    for (size_t i = 0; i < replay->letters; i++) {
        const struct letter_place *letter = &replay->letter[i];
        if (count > 0 && at[count - 1].partition == letter->partition)
            continue;
        at[count] = (struct position){.partition = letter->partition, .offset = letter->offset};
        snprintf(at[count++].topic, sizeof(at->topic), "%s", replay->dead_topic);
    }
    int failed = reader_open(run->replay.cli->broker, READ_GIVEN, at, count, reader, err);
    free(at);
    return failed;
}

/* Reads the chunk's letters and sends them. *stopped: some were left alone because of time or an
 * interrupt; without it what was not found is gone. */
static int
send_chunk(struct run *run, bool *stopped, struct error *err)
{
    struct reader *reader = NULL;
    size_t left = run->replay.letters;
    int failed = open_letters(run, &reader, err);
    while (failed == 0 && left > 0 && !*stopped && !reader_at_end(reader)) {
        struct message *message = NULL;
        failed = reader_poll(reader, POLL_MS, &message, err);
        struct letter_place *letter = message == NULL ? NULL : find_letter(&run->replay, message);
        if (letter != NULL && (*stopped = !wait_turn(run)) == false) {
            failed = send_letter(run, letter, message, err);
            left--;
        }
        message_free(&message);
        *stopped = *stopped || is_over(run);
    }
    if (reader != NULL)
        reader_close(&reader);
    return failed;
}

static int
flush(struct run *run, struct error *err)
{
    /* Until the client library gives up by itself: an interrupt must not leave letters in doubt. */
    for (;;) {
        struct error now = {0};
        if (producer_flush(run->producer, FLUSH_MS, &now) == 0)
            return 0;
        if (now.kind == ERROR_TRANSIENT)
            continue;
        *err = now;
        return -1;
    }
}

/* 0: go on; 1: there are no more; -1: an end, *status was told. */
static int
replay_chunk(struct run *run, int *status)
{
    struct replay *replay = &run->replay;
    struct error err = {0}, late = {0};
    bool stopped = false;
    int64_t limit = replay->options->limit;
    int64_t most = limit > 0 ? limit - run->sent - run->gone : INT64_MAX;
    *status = most <= 0 ? 0 : replay_begin(replay, most);
    if (*status != 0 || most <= 0 || replay->letters == 0)
        return *status != 0 ? -1 : 1;
    int failed = send_chunk(run, &stopped, &err);
    /* Whatever a failed send left in doubt stays recorded as begun: the next run looks for it. */
    if (flush(run, &late) != 0) {
        *status = complain_error(replay->cli, &late, "sending");
        return -1;
    }
    for (size_t i = 0; failed == 0 && !stopped && i < replay->letters; i++)
        if (replay->letter[i].outcome == LETTER_BEGUN) {
            replay->letter[i].outcome = LETTER_GONE;
            run->gone++;
        }
    *status = replay_end(replay);
    if (*status == 0 && failed != 0)
        *status = complain_error(replay->cli, &err, "replaying");
    return *status != 0 ? -1 : stopped ? 1 : 0;
}

/* ---- the verb */
static int
report(struct run *run, bool over)
{
    struct cli *cli = run->replay.cli;
    double seconds = (double)(clock_monotonic_ms() - run->started_ms) / 1000;
    if (cli->json)
        cli_print(cli,
                  json_pack("{s:s s:I s:I s:I s:I s:f}", "pipeline", run->replay.pipeline->name,
                            "chosen", (json_int_t)run->chosen, "sent", (json_int_t)run->sent,
                            "gone", (json_int_t)run->gone, "recovered", (json_int_t)run->recovered,
                            "seconds", seconds),
                  NULL);
    else
        printf("%s: %lld of %lld dead letters sent again in %.1f s\n", run->replay.pipeline->name,
               (long long)run->sent, (long long)run->chosen, seconds);
    if (over)
        return complain(cli_interrupted() ? STATUS_FAILED : STATUS_TIMED_OUT,
                        "The same command goes on with the rest.", "stopped after %lld letters",
                        (long long)run->sent);
    if (run->gone > 0)
        return complain(STATUS_REFUSED, NULL,
                        "%lld letters are gone: %s no longer reaches back to them",
                        (long long)run->gone, run->replay.dead_topic);
    return STATUS_DONE;
}

static int
send_all(struct run *run)
{
    struct cli *cli = run->replay.cli;
    struct error err = {0};
    int status = 0, more = 0;
    int64_t forgotten = 0;
    status = replay_recover(&run->replay, &run->recovered, &forgotten);
    if (status != 0)
        return status;
    if (run->recovered + forgotten > 0)
        tell(cli, "an earlier replay was cut off: %lld of its letters had been sent, %lld had not",
             (long long)run->recovered, (long long)forgotten);
    json_t *counts = NULL;
    status = replay_count(&run->replay, &counts);
    for (size_t i = 0; status == 0 && i < json_array_size(counts); i++)
        run->chosen += json_integer_value(json_object_get(json_array_get(counts, i), "letters"));
    json_decref(counts);
    int64_t limit = run->replay.options->limit;
    if (limit > 0 && run->chosen > limit)
        run->chosen = limit;
    if (status != 0)
        return status;
    if (producer_open_plain(cli->broker, &run->producer, &err) != 0)
        return complain_error(cli, &err, "Kafka");
    cli_catch_interrupt();
    run->started_ms = clock_monotonic_ms();
    progress_start(&run->progress, "replaying", cli->options.quiet);
    while (!is_over(run) && (more = replay_chunk(run, &status)) == 0)
        continue;
    progress_end(&run->progress);
    producer_destroy(&run->producer);
    return status != 0 ? status : report(run, is_over(run));
}

static int
show_all(struct run *run)
{
    static const char *const columns[] = {"reason", "topic", "letters", "oldest", NULL};
    json_t *counts = NULL;
    int status = replay_count(&run->replay, &counts);
    return status != 0 ? status : cli_print(run->replay.cli, counts, columns);
}

static int
check_options(const struct replay_options *options)
{
    int64_t us = 0;
    struct error err = {0};
    if (options->since != NULL && timestamp_parse(bytes_of(options->since), &us, &err) != 0)
        return complain(STATUS_USAGE, "For example 2026-03-01T08:00:00Z.", "--since: %s",
                        err.message);
    return 0;
}

static int
run_replay(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    (void)argv;
    const struct replay_options *options = given;
    struct pipeline *pipeline = NULL;
    struct error err = {0};
    struct run run = {.replay = {.cli = cli, .options = options}};
    int status = check_options(options);
    if (status == 0)
        status = cli_read_pipeline(cli, options->pipeline, &pipeline);
    if (status == 0)
        status = cli_open_broker(cli);
    if (status == 0 && arena_open(&run.arena, 64 << 20, &err) != 0)
        status = complain_error(cli, &err, "replaying");
    run.replay.letter = calloc(REPLAY_CHUNK, sizeof(*run.replay.letter));
    run.replay.pipeline = pipeline;
    if (status == 0 && run.replay.letter == NULL)
        status = complain(STATUS_FAILED, NULL, "out of memory");
    if (status == 0) {
        snprintf(run.replay.dead_topic, sizeof(run.replay.dead_topic), "%s.%s.dead",
                 cli->settings.prefix, pipeline->name);
        status = replay_lock(&run.replay);
    }
    if (status == 0)
        status = options->dry_run ? show_all(&run) : send_all(&run);
    free(run.replay.letter);
    arena_close(&run.arena);
    pipeline_free(&pipeline);
    return status;
}

const struct verb verb_dead_replay = {
    .words = "dead replay",
    .arguments = "",
    .summary = "send dead letters back to where they were read",
    .examples = "  millrace dead replay -p loan --dry-run\n"
                "  millrace dead replay -p loan --reason rule.range --rate 500\n"
                "  millrace dead replay -p loan --event app-1 --again\n",
    .notes = "  For after the cause is mended, by a new version of the pipeline say: the newest "
             "version\n  handles them. Original key, value and headers go to the topic and "
             "partition they were\n  read from. Each letter is sent once, unless --again; "
             "ops.replays records it before and\n  after, so the same command goes on after an "
             "interrupt or a crash.\n",
    .options = replay_options,
    .options_size = sizeof(struct replay_options),
    .timeout = "0",
    .run = run_replay,
};
