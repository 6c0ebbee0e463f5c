/* codec: the product's codec and jansson over the same records, in turn, measured.
 *
 *   codec WORK PEER FILE PIPELINE EVENTS PAIRS
 *
 * WORK decode: the lines of FILE (JSON objects) into frames of the pipeline's raw events; PEER is
 * "jansson", json_loadb alone and no columns, or "tree", the codec's own way through jansson.
 * WORK encode: these rows as JSON; PEER is "jansson", json_dumps of trees that are there already.
 * First the outputs are compared, then there are PAIRS lines: CPU nanoseconds an event, ours and
 * the peer's, and bytes of JSON an event.
 * SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec_private.h"
#include "pipeline.h"
#include "text.h"

#define FILE_MAX   ((size_t)16 << 20)
#define LINES_MAX  100000
#define BATCH_ROWS 1000
#define ARENA_MAX  ((size_t)256 << 20)
#define FLAGS      (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

static struct {
    struct bytes line[LINES_MAX];
    json_t *tree[LINES_MAX];
    size_t lines, bytes;
    struct arena *arena, *kept;
    const struct schema *schema;
    struct frame *rows; /* all lines, for encoding */
    size_t written;     /* by the last run, so that its work is of use */
} bench;

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "codec: %s\n", what);
    exit(1);
}

static struct bytes
read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    uint8_t *at = malloc(FILE_MAX);
    if (file == NULL || at == NULL)
        die(path);
    size_t length = fread(at, 1, FILE_MAX, file);
    fclose(file);
    return (struct bytes){at, length};
}

static struct frame *
new_frame(struct arena *arena, size_t rows)
{
    struct frame *frame = frame_create(arena, bench.schema, rows);
    if (frame == NULL)
        die("out of memory");
    return frame;
}

/* ---- what is measured; `next` counts over the lines again and again */
typedef void work(size_t events);

static void
decode_rows(size_t events, bool fast)
{
    static const struct origin origin;
    struct error err = {0};
    struct frame *frame = NULL;
    for (size_t n = 0; n < events; n++) {
        if (n % BATCH_ROWS == 0) {
            arena_reset(bench.arena);
            frame = new_frame(bench.arena, BATCH_ROWS);
        }
        struct bytes line = bench.line[n % bench.lines];
        int failed =
            fast ? frame_from_json(frame, line, &origin, &err) : codec_read_tree(frame, line, &err);
        if (failed)
            die(err.message);
        if (!fast)
            frame->origin[frame->rows++] = origin;
    }
    bench.written = arena_used(bench.arena);
}

static void
decode_fast(size_t events)
{
    decode_rows(events, true);
}

static void
decode_tree(size_t events)
{
    decode_rows(events, false);
}

static void
parse_jansson(size_t events)
{
    for (size_t n = 0; n < events; n++) {
        struct bytes line = bench.line[n % bench.lines];
        json_t *tree = json_loadb((const char *)line.at, line.length, FLAGS, NULL);
        bench.written += json_object_size(tree);
        json_decref(tree);
    }
}

static void
encode_fast(size_t events)
{
    struct error err = {0};
    struct frame rows = *bench.rows;
    rows.arena = bench.arena;
    for (size_t n = 0; n < events; n++) {
        if (n % BATCH_ROWS == 0) {
            arena_reset(bench.arena);
            rows.memo = arena_alloc(bench.arena, 1, sizeof(*rows.memo));
        }
        struct bytes out;
        if (rows.memo == NULL || frame_to_json(&rows, n % bench.lines, &out, &err) != 0)
            die(err.message);
        bench.written += out.length;
    }
}

static void
print_jansson(size_t events)
{
    for (size_t n = 0; n < events; n++) {
        char *out = json_dumps(bench.tree[n % bench.lines], JSON_COMPACT);
        if (out == NULL)
            die("out of memory");
        bench.written += strlen(out);
        free(out);
    }
}

/* ---- both give the same */
static void
compare_decoding(void)
{
    struct error err = {0};
    struct frame *fast = new_frame(bench.arena, bench.lines);
    struct frame *tree = new_frame(bench.arena, bench.lines);
    for (size_t i = 0; i < bench.lines; i++) {
        struct bytes a, b;
        if (!codec_read_fast(fast, bench.line[i], &err))
            die("the scanner declines a record");
        if (codec_read_tree(tree, bench.line[i], &err) != 0)
            die(err.message);
        fast->rows = tree->rows = i + 1;
        if (frame_to_json(fast, i, &a, &err) != 0 || frame_to_json(tree, i, &b, &err) != 0 ||
            !bytes_equal(a, b))
            die("the two ways differ");
    }
}

/* Our output, parsed by jansson, is the tree that jansson prints. */
static void
compare_encoding(void)
{
    struct error err = {0};
    for (size_t i = 0; i < bench.lines; i++) {
        struct bytes out;
        if (frame_to_json(bench.rows, i, &out, &err) != 0)
            die(err.message);
        json_t *back = json_loadb((const char *)out.at, out.length, FLAGS, NULL);
        if (back == NULL || !json_equal(back, bench.tree[i]))
            die("what was written is not what was read");
        json_decref(back);
    }
}

/* ---- */
static double
seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double
measured_ns(work *run, size_t events)
{
    double since = seconds();
    run(events);
    return (seconds() - since) * 1e9 / (double)events;
}

static void
split(struct bytes text)
{
    const uint8_t *at = text.at, *end = text.at + text.length, *stop;
    for (; at < end && bench.lines < LINES_MAX; at = stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        bench.line[bench.lines++] = (struct bytes){at, (size_t)(stop - at)};
        bench.bytes += (size_t)(stop - at);
    }
    if (bench.lines == 0)
        die("there are no lines");
}

static void
prepare(const char *file, const char *path)
{
    struct error err = {0};
    struct mistakes *mistakes = mistakes_create();
    const struct pipeline *pipeline = pipeline_read(read_file(path), mistakes);
    if (pipeline == NULL)
        die("no pipeline");
    mistakes_free(&mistakes);
    bench.schema = &pipeline->raw;
    if (arena_open(&bench.arena, ARENA_MAX, &err) != 0 ||
        arena_open(&bench.kept, ARENA_MAX, &err) != 0)
        die(err.message);
    split(read_file(file));
    bench.rows = new_frame(bench.kept, bench.lines);
    for (size_t i = 0; i < bench.lines; i++) {
        struct bytes line = bench.line[i];
        bench.tree[i] = json_loadb((const char *)line.at, line.length, FLAGS, NULL);
        if (frame_from_json(bench.rows, line, &(struct origin){0}, &err) != 0)
            die(err.message);
    }
}

int
main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: codec decode|encode jansson|tree FILE PIPELINE EVENTS PAIRS\n");
        return 2;
    }
    bool decodes = strcmp(argv[1], "decode") == 0;
    work *ours = decodes ? decode_fast : encode_fast;
    work *peer = !decodes                          ? print_jansson
                 : strcmp(argv[2], "jansson") == 0 ? parse_jansson
                                                   : decode_tree;
    prepare(argv[3], argv[4]);
    compare_decoding();
    compare_encoding();
    size_t events = strtoul(argv[5], NULL, 10);
    ours(events / 10);
    peer(events / 10);
    for (long pairs = strtol(argv[6], NULL, 10); pairs > 0; pairs--) {
        double a = measured_ns(ours, events), b = measured_ns(peer, events);
        printf("ours_ns=%.1f peer_ns=%.1f bytes=%.1f\n", a, b,
               (double)bench.bytes / (double)bench.lines);
    }
    return bench.written > 0 ? 0 : 1;
}
