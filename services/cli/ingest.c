/* ingest: a file's records to a pipeline's door. The file is read twice: first to find out whether
 * it can be read at all, so that a broken one sends nothing; then to send it. Ids come from the
 * file's digest and line, so sending it again is harmless. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "digest.h"
#include "events.h"
#include "output.h"
#include "progress.h"
#include "verbs.h"

#define SHOWN_BY_DRY_RUN 5
#define FLUSH_STEP_MS    500

struct ingest_options {
    const char *pipeline, *format, *id_field, *time_field;
    int64_t skip, limit;
    double rate;
    bool without_labels, labels, dry_run;
};

static const struct option_row ingest_options[] = {
    OPTION_REQUIRED(ingest_options, pipeline, 'p', TEXT, "NAME", "the pipeline"),
    OPTION(ingest_options, format, 0, TEXT, "FORMAT", NULL, "csv or jsonl; else by the extension"),
    OPTION(ingest_options, id_field, 0, TEXT, "FIELD", NULL,
           "field that holds the event's id; else <digest of the file>-<line>"),
    OPTION(ingest_options, time_field, 0, TEXT, "FIELD", NULL,
           "field that holds the event's time (RFC 3339)"),
    OPTION(ingest_options, skip, 0, COUNT, "N", NULL, "pass over the first N records"),
    OPTION(ingest_options, limit, 0, COUNT, "N", NULL, "send at most N records; 0: all"),
    OPTION(ingest_options, rate, 0, REAL, "R", NULL,
           "send R events a second; 0: as fast as it goes"),
    OPTION(ingest_options, without_labels, 0, FLAG, NULL, NULL,
           "leave the label out of the events"),
    OPTION(ingest_options, labels, 0, FLAG, NULL, NULL, "send the outcomes alone"),
    OPTION(ingest_options, dry_run, 0, FLAG, NULL, NULL, "show the first events, send nothing"),
    {0},
};

struct ingestion {
    struct cli *cli;
    const struct ingest_options *options;
    FILE *file;
    bool jsonl;
    struct event_source source;
    char topic[256];
    struct producer *producer;
    struct progress progress;
    json_t *shown; /* by --dry-run */
    int64_t seen, chosen, sent, too_large, started_ms;
    bool timed_out;
};

static int
read_events(struct ingestion *in, event_seen *seen, struct error *err)
{
    rewind(in->file);
    in->seen = 0;
    return in->jsonl ? events_from_jsonl(in->file, &in->source, seen, in, err)
                     : events_from_csv(in->file, &in->source, seen, in, err);
}

/* By --skip and --limit: 1 yes, 0 not yet, -1 no more. */
static int
is_chosen(struct ingestion *in)
{
    int64_t index = in->seen++;
    if (index < in->options->skip)
        return 0;
    return in->options->limit > 0 && index - in->options->skip >= in->options->limit ? -1 : 1;
}

static int
count_event(void *self, const struct event *event, struct error *err)
{
    (void)event;
    (void)err;
    struct ingestion *in = self;
    in->chosen += is_chosen(in) == 1;
    return 0;
}

static int
show_event(void *self, const struct event *event, struct error *err)
{
    (void)err;
    struct ingestion *in = self;
    int chosen = is_chosen(in);
    if (chosen <= 0)
        return -chosen;
    json_t *headers = json_object();
    for (size_t i = 0; i < event->headers; i++)
        json_object_set_new(headers, event->header[i].name,
                            output_json_bytes(event->header[i].value));
    json_t *row = json_object();
    json_object_set_new(row, "line", json_integer(event->line));
    json_object_set_new(row, "id", output_json_bytes(event->id));
    json_object_set_new(row, "key", output_json_bytes(event->key));
    json_object_set_new(row, "headers", headers);
    json_object_set_new(row, "value", output_json_bytes(event->value));
    json_array_append_new(in->shown, row);
    return json_array_size(in->shown) >= SHOWN_BY_DRY_RUN;
}

/* Waits until the next event is due; false when it is time to stop. */
static bool
wait_turn(struct ingestion *in)
{
    double rate = in->options->rate;
    int64_t due = rate > 0 ? in->started_ms + (int64_t)((double)in->sent * 1000 / rate) : 0;
    for (;;) {
        in->timed_out = cli_time_left(in->cli, 1) == 0;
        if (in->timed_out || cli_interrupted())
            return false;
        int64_t wait = due - clock_monotonic_ms();
        if (wait <= 0)
            return true;
        clock_sleep_ms(wait < 200 ? wait : 200);
        progress_show(&in->progress, in->sent, in->chosen, NULL);
    }
}

static int
send_event(void *self, const struct event *event, struct error *err)
{
    struct ingestion *in = self;
    int chosen = is_chosen(in);
    if (chosen <= 0)
        return -chosen;
    if (!wait_turn(in))
        return 1;
    struct record record = {
        .topic = in->topic,
        .partition = -1,
        .key = event->key,
        .value = event->value,
        .header = event->header,
        .headers = event->headers,
    };
    if (producer_send(in->producer, &record, err) != 0) {
        if (err->kind != ERROR_INPUT)
            return error_wrap(err, "line %lld", (long long)event->line);
        complain(0, NULL, "line %lld is not sent: %s", (long long)event->line, err->message);
        *err = (struct error){0};
        in->too_large++;
        return 0;
    }
    in->sent++;
    progress_show(&in->progress, in->sent, in->chosen, NULL);
    return 0;
}

/* Until every event is acknowledged, refused, or time is up. */
static int
flush(struct ingestion *in, struct error *err)
{
    for (;;) {
        struct error now = {0};
        int left = cli_time_left(in->cli, FLUSH_STEP_MS);
        if (producer_flush(in->producer, left, &now) == 0)
            return 0;
        progress_show(&in->progress, producer_delivered(in->producer), in->sent, "acknowledged");
        in->timed_out = in->timed_out || left == 0;
        if (now.kind == ERROR_TRANSIENT && left > 0 && !cli_interrupted())
            continue;
        *err = now;
        return -1;
    }
}

static int
report(struct ingestion *in, int failed, const struct error *err)
{
    struct cli *cli = in->cli;
    long long acknowledged = (long long)producer_delivered(in->producer);
    long long sent = (long long)in->sent, chosen = (long long)in->chosen;
    double seconds = (double)(clock_monotonic_ms() - in->started_ms) / 1000;
    const char *what = in->options->labels ? "outcomes" : "events";
    if (cli->json)
        cli_print(cli,
                  json_pack("{s:s s:s s:I s:I s:I s:I s:f}", "topic", in->topic, "what", what,
                            "chosen", (json_int_t)in->chosen, "sent", (json_int_t)sent,
                            "acknowledged", (json_int_t)acknowledged, "too_large",
                            (json_int_t)in->too_large, "seconds", seconds),
                  NULL);
    else
        printf("%s: %lld %s sent to %s, %lld acknowledged, in %.1f s\n", in->source.file_name, sent,
               what, in->topic, acknowledged, seconds);
    const char *again = "Sending the file again is harmless: the ids are the same, so what arrived "
                        "twice counts once.";
    if (failed != 0)
        return complain(in->timed_out ? STATUS_TIMED_OUT : STATUS_FAILED, again,
                        "%lld of %lld %s were acknowledged: %s", acknowledged, chosen, what,
                        err->message);
    if (in->timed_out || cli_interrupted())
        return complain(in->timed_out ? STATUS_TIMED_OUT : STATUS_FAILED, again,
                        "stopped after %lld of %lld %s, all of them acknowledged", acknowledged,
                        chosen, what);
    return in->too_large > 0 ? STATUS_REFUSED : STATUS_DONE;
}

static int
check_topic(struct ingestion *in)
{
    struct error err = {0};
    int partitions = 0, status = cli_open_broker(in->cli);
    if (status != 0)
        return status;
    if (broker_partitions(in->cli->broker, in->topic, &partitions, &err) != 0)
        return complain_error(in->cli, &err, "asking Kafka about %s", in->topic);
    if (partitions == 0)
        return complain(STATUS_NOT_FOUND, "`millrace pipeline apply FILE` creates it.",
                        "topic %s does not exist", in->topic);
    return 0;
}

static int
send_all(struct ingestion *in)
{
    struct error err = {0};
    int status = check_topic(in);
    if (status != 0)
        return status;
    if (producer_open_plain(in->cli->broker, &in->producer, &err) != 0)
        return complain_error(in->cli, &err, "Kafka");
    cli_catch_interrupt();
    in->started_ms = clock_monotonic_ms();
    progress_start(&in->progress, "sending", in->cli->options.quiet);
    struct error late = {0};
    int failed = read_events(in, send_event, &err);
    int unflushed = flush(in, &late);
    progress_end(&in->progress);
    return report(in, failed != 0 || unflushed != 0, failed != 0 ? &err : &late);
}

static int
show_all(struct ingestion *in)
{
    static const char *const columns[] = {"line", "id", "key", "value", NULL};
    struct error err = {0};
    in->shown = json_array();
    if (read_events(in, show_event, &err) != 0) {
        json_decref(in->shown);
        return complain_error(in->cli, &err, "%s", in->source.file_name);
    }
    tell(in->cli, "%lld records would go to %s; the first:", (long long)in->chosen, in->topic);
    return cli_print(in->cli, in->shown, columns);
}

static int
choose_format(const char *path, const struct ingest_options *options, bool *jsonl)
{
    const char *dot = strrchr(path, '.');
    const char *format = options->format != NULL ? options->format : dot != NULL ? dot + 1 : "";
    *jsonl = strcasecmp(format, "jsonl") == 0 || strcasecmp(format, "ndjson") == 0;
    if (*jsonl || strcasecmp(format, "csv") == 0)
        return 0;
    if (options->format != NULL)
        return complain(STATUS_USAGE, NULL, "--format: '%s' is neither csv nor jsonl", format);
    return complain(STATUS_USAGE, "Say --format csv or --format jsonl.",
                    "%s: the name tells no format", path);
}

static int
ingest_file(struct ingestion *in, const char *path)
{
    struct error err = {0};
    char digest[DIGEST_HEX];
    const char *slash = strrchr(path, '/');
    if (digest_file_hex(path, digest, &err) != 0)
        return complain_error(in->cli, &err, "%s", path);
    digest[16] = '\0';
    in->source.file_digest = digest;
    in->source.file_name = slash != NULL ? slash + 1 : path;
    if (read_events(in, count_event, &err) != 0)
        return complain_error(in->cli, &err, "%s: nothing was sent", path);
    int status = in->options->dry_run ? show_all(in) : send_all(in);
    producer_destroy(&in->producer);
    return status;
}

static int
run_ingest(struct cli *cli, const void *given, int argc, char *const argv[])
{
    (void)argc;
    const struct ingest_options *options = given;
    struct pipeline *pipeline = NULL;
    struct ingestion in = {.cli = cli, .options = options};
    if (options->labels && options->without_labels)
        return complain(STATUS_USAGE, NULL, "--labels and --without-labels exclude each other");
    int status = choose_format(argv[0], options, &in.jsonl);
    if (status != 0)
        return status;
    in.file = fopen(argv[0], "re");
    if (in.file == NULL)
        return complain(errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, NULL, "%s: %s", argv[0],
                        strerror(errno));
    status = cli_read_pipeline(cli, options->pipeline, &pipeline);
    if (status == 0) {
        snprintf(in.topic, sizeof(in.topic), "%s.%s.events", cli->settings.prefix, pipeline->name);
        in.source = (struct event_source){
            .pipeline = pipeline,
            .prefix = cli->settings.prefix,
            .id_field = options->id_field,
            .time_field = options->time_field,
            .without_labels = options->without_labels,
            .labels = options->labels,
        };
        status = ingest_file(&in, argv[0]);
    }
    pipeline_free(&pipeline);
    fclose(in.file);
    return status;
}

const struct verb verb_ingest = {
    .words = "ingest",
    .arguments = "FILE",
    .summary = "send the records of a CSV or JSONL file to a pipeline",
    .examples = "  millrace ingest tests/data/credit_data.csv -p loan\n"
                "  millrace ingest tests/data/credit_data.csv -p loan --skip 3563 "
                "--without-labels --rate 200\n"
                "  millrace ingest tests/data/credit_data.csv -p loan --skip 3563 --labels\n"
                "  millrace ingest events.jsonl -p loan --dry-run\n",
    .notes = "  CSV: a header row with the names the pipeline's fields have outside. JSONL: one "
             "object a\n  line, sent as it is; CloudEvents in structured mode too. A CSV file that "
             "is broken\n  anywhere sends nothing.\n",
    .options = ingest_options,
    .options_size = sizeof(struct ingest_options),
    .arguments_min = 1,
    .arguments_max = 1,
    .timeout = "0",
    .run = run_ingest,
};
