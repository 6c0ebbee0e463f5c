/* differential: random events of random schemas through both ways of the codec, the scanner and
 * jansson's tree: same value or same refusal. A third of the events are right, a third are damaged
 * in a few places, and a third are made to be odd. The same seed gives the same events.
 *
 *   differential EVENTS [SEED]
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "differential.h"

#define FIELDS_MAX       24
#define EVENT_MAX        8192
#define EVENTS_OF_SCHEMA 200

static uint64_t state;

static uint64_t
next_random(void) /* xorshift64, Marsaglia 2003 */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * UINT64_C(2685821657736338717) >> 8;
}

static uint64_t
below(uint64_t limit)
{
    return next_random() % limit;
}

/* ---- an event under construction */
static char event[EVENT_MAX];
static size_t length;
static bool odd, spaced; /* odd: anything may come anywhere */

static void
put_bytes(const char *at, size_t count)
{
    if (length + count > EVENT_MAX)
        return;
    memcpy(event + length, at, count);
    length += count;
}

static void
put(const char *text)
{
    put_bytes(text, strlen(text));
}

__attribute__((format(printf, 1, 2))) static void
print(const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put(text);
}

static const char *
one_of(const char *const *texts, size_t count)
{
    return texts[below(count)];
}
#define ONE_OF(texts) one_of(texts, sizeof(texts) / sizeof((texts)[0]))

static void
put_space(void)
{
    static const char *const spaces[] = {" ",  "\n",       "\t", "\r\n",
                                         "  ", " \t\n\r ", "\v", "\xC2\xA0"};
    if (spaced && below(2) == 0)
        put(spaces[below(odd ? 8 : 6)]);
}

/* ---- values */
static void
put_integer(void)
{
    static const char *const edges[] = {"0",
                                        "-0",
                                        "-1",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "-9223372036854775809",
                                        "9007199254740993",
                                        "-9007199254740993",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "1000000000000000000",
                                        "999999999999999999",
                                        "00",
                                        "01",
                                        "-",
                                        "+1"};
    if (below(8) == 0)
        put(edges[below(odd ? 17 : 5)]);
    else
        print("%" PRId64, (int64_t)(next_random() << 8) >> below(64));
}

static void
put_decimal(void)
{
    static const char *const edges[] = {
        "0.0",
        "-0.0",
        "1e-400",
        "5e-324",
        "2.5e-324",
        "1.7976931348623157e308",
        "2.2250738585072011e-308",
        "9007199254740993.0",
        "1e22",
        "1e23",
        "0.1",
        "0.30000000000000004",
        "9007199254740992.0",
        "-9007199254740994.0",
        "35.0",
        "0.000000000000000000000000000000000000000000000000000000000000000000000000000000001e81",
        "123456789012345678901234567890.123456789e-10",
        "1E+2",
        "1e-0",
        "3.4028235e38",
        "1e39",
        "1e400",
        "-1e400",
        "1.7976931348623159e308",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1.e5",
        "NaN",
        "Infinity",
        "1.0.0",
        "1e5.5",
        "--1"};
    switch (below(6)) {
    case 0:
        put(edges[below(odd ? 35 : 20)]);
        break;
    case 1: {
        uint64_t bits = next_random() << 8 | below(256);
        double value;
        memcpy(&value, &bits, sizeof(value));
        print("%.*g", (int)below(19) + 1, isfinite(value) ? value : 0.5);
        break;
    }
    case 2:
        print("%" PRIu64 ".%" PRIu64 "%c%d", next_random() >> below(64), next_random() >> below(64),
              below(2) ? 'e' : 'E', (int)below(odd ? 660 : 600) - 340);
        break;
    case 3:
        print("%.17g", (double)below(100000) / (double)(below(1000) + 1));
        break;
    default:
        print("%s%" PRIu64 ".%0*" PRIu64, below(3) ? "" : "-", below(1000000), (int)below(6) + 1,
              below(10));
    }
}

static void
put_character(void)
{
    static const char *const pieces[] = {"\\n",
                                         "\\\"",
                                         "\\\\",
                                         "\\/",
                                         "\\u00fc",
                                         "\\u0041",
                                         "\\uD83D\\uDE00",
                                         "\xC3\xBC",
                                         "\xE2\x82\xAC",
                                         "\xF0\x9F\x98\x80",
                                         "\x7F",
                                         "\\t",
                                         "\\b\\f\\r",
                                         "\\u001F",
                                         "\xEF\xBF\xBD",
                                         "\\u0000",
                                         "\\ud800",
                                         "\\udc00",
                                         "\\ud800\\u0041",
                                         "\\x",
                                         "\\",
                                         "\xC0\x80",
                                         "\xED\xA0\x80",
                                         "\xFF",
                                         "\x01",
                                         "\n",
                                         "\"",
                                         "\xF4\x90\x80\x80",
                                         "\\u00g0",
                                         "\xE2\x82",
                                         "\\uD83D\\uDE0"};
    if (below(4) == 0)
        put(pieces[below(odd ? 31 : 15)]);
    else
        print("%c", (int)("abcXYZ 019-_.:/{}[],#"[below(21)]));
}

static void
put_string(void)
{
    put("\"");
    for (uint64_t count = below(below(20) == 0 ? 200 : 14); count > 0; count--)
        if (below(8) == 0)
            put_character();
        else
            print("%c", 'a' + (int)below(26));
    put("\"");
}

static void
put_timestamp(void)
{
    static const char *const edges[] = {"\"2026-01-31\"",
                                        "\"0001-01-01\"",
                                        "\"2026-02-30\"",
                                        "\"9999-12-31T23:59:60Z\"",
                                        "\"yesterday\"",
                                        "\"\"",
                                        "\"2016-12-31T23:59:60Z\"",
                                        "\"2026-01-31T00:00:00\"",
                                        "\"2026-01-31t00:00:00.123456789z\"",
                                        "\"2026-01-31 10:00:00+05:30\"",
                                        "\"2026\\u002d01-31\""};
    if (below(odd ? 3 : 30) == 0)
        put(ONE_OF(edges));
    else
        print("\"%04d-%02d-%02dT%02d:%02d:%02d.%0*dZ\"", (int)below(9999) + 1, (int)below(12) + 1,
              (int)below(28) + 1, (int)below(24), (int)below(60), (int)below(60), (int)below(7) + 1,
              (int)below(10));
}

static void put_any(int depth);

static void
put_list(int depth)
{
    put("[");
    for (uint64_t count = below(4); count > 0; count--) {
        put_space();
        put_any(depth + 1);
        put_space();
        if (count > 1)
            put(",");
    }
    put("]");
}

static void
put_map(int depth)
{
    static const char *const keys[] = {"\"a\"",        "\"b\"",       "\"\"",     "\"feature\"",
                                       "\"\xC3\xBC\"", "\"\\u0061\"", "\"c\\\\\""};
    put("{");
    for (uint64_t count = below(below(10) == 0 ? 20 : 4); count > 0; count--) {
        put_space();
        if (below(12) == 0)
            put(ONE_OF(keys));
        else
            print("\"k%d\"", (int)count);
        put_space();
        put(":");
        put_space();
        put_any(depth + 1);
        put_space();
        if (count > 1)
            put(",");
    }
    put("}");
}

static void
put_any(int depth)
{
    static const char *const words[] = {"true", "false", "null", "nul", "truex", "True", "", "-"};
    switch (below(depth < 4 ? 8 : 5)) {
    case 0:
        put(words[below(odd ? 8 : 3)]);
        break;
    case 1:
        put_integer();
        break;
    case 2:
        put_decimal();
        break;
    case 3:
        put_timestamp();
        break;
    case 4:
        put_string();
        break;
    case 5:
        put_map(depth);
        break;
    default:
        put_list(depth);
    }
}

static void
put_deep(void)
{
    uint64_t levels = below(40) + 1;
    bool maps = below(2);
    for (uint64_t i = 0; i < levels; i++)
        put(maps ? "{\"a\":" : "[");
    put(maps ? "1" : "");
    for (uint64_t i = 0; i < levels; i++)
        put(maps ? "}" : "]");
}

static void
put_vector(uint32_t width)
{
    put("[");
    for (uint32_t i = 0; i < width; i++) {
        put_space();
        if (odd && below(4) == 0)
            put_decimal();
        else
            print("%d.%d", (int)below(1000) - 500, (int)below(1000));
        put_space();
        put(i + 1 < width ? "," : "");
    }
    put("]");
}

static void
put_value(const struct schema_field *field)
{
    if (below(field->required ? 300 : 12) == 0) {
        put("null");
        return;
    }
    if (below(odd ? 10 : 300) == 0) {
        if (below(20) == 0)
            put_deep();
        else
            put_any(0);
        return;
    }
    switch (field->type) {
    case COLUMN_BOOL:
        put(below(2) ? "true" : "false");
        break;
    case COLUMN_INT64:
        if (below(10) == 0)
            print("%d.%d", (int)below(100), (int)(below(50) == 0));
        else
            put_integer();
        break;
    case COLUMN_FLOAT64:
        if (below(4))
            put_decimal();
        else
            put_integer();
        break;
    case COLUMN_TEXT:
        put_string();
        break;
    case COLUMN_TIMESTAMP:
        put_timestamp();
        break;
    case COLUMN_VECTOR:
        put_vector(field->width + (odd && below(4) == 0));
        break;
    case COLUMN_JSON:
        put_any(0);
        break;
    case COLUMN_BYTES:
        put("null");
    }
}

/* ---- schemas */
static struct schema_field field[FIELDS_MAX];
static char name[FIELDS_MAX][64];

static void
choose_name(size_t i)
{
    static const char *const names[] = {
        "a",           "",          "na/m~e \xC3\xBC", "quo\"te",
        "back\\slash", "tab\there", "delete \x7F",     "a key that is longer than 16"};
    if (below(24) == 0)
        snprintf(name[i], sizeof(name[i]), "%s", ONE_OF(names));
    else
        snprintf(name[i], sizeof(name[i]), "%.*s%d", (int)below(12), "amount_to_price", (int)i);
}

static struct schema
choose_schema(void)
{
    static const enum column_type types[] = {
        COLUMN_BOOL, COLUMN_INT64,     COLUMN_INT64,  COLUMN_FLOAT64, COLUMN_FLOAT64, COLUMN_TEXT,
        COLUMN_TEXT, COLUMN_TIMESTAMP, COLUMN_VECTOR, COLUMN_JSON,    COLUMN_BYTES};
    size_t count = below(FIELDS_MAX + 1);
    bool required = below(2);
    for (size_t i = 0; i < count; i++) {
        choose_name(i);
        field[i] = (struct schema_field){.name = below(2) ? name[i] : "column",
                                         .from = name[i],
                                         .type = types[below(11)],
                                         .width = (uint32_t)below(4),
                                         .required = required && below(8) == 0};
    }
    return (struct schema){"random", count, field, below(3) ? UNKNOWN_DROP : UNKNOWN_DEAD};
}

/* ---- events */
static void
put_key(const char *key)
{
    put("\"");
    for (; *key != '\0'; key++)
        if (*key == '"' || *key == '\\' || *key == '\t' || below(400) == 0)
            print("\\u%04x", (unsigned int)(uint8_t)*key);
        else
            put_bytes(key, 1);
    put("\"");
}

static void
put_member(const struct schema *schema, size_t i)
{
    put_space();
    if (schema->count == 0 || below(schema->unknown == UNKNOWN_DEAD && !odd ? 200 : 25) == 0) {
        print("\"unknown%d\":", (int)below(30));
        put_any(0);
    } else {
        put_key(name[i]);
        put_space();
        put(":");
        put_space();
        put_value(&field[i]);
    }
    put_space();
}

static void
put_event(const struct schema *schema)
{
    size_t count = schema->count > 0 ? schema->count : below(4), skipped = below(3) ? 200 : 4;
    if (odd && below(50) == 0)
        count = 250 + below(12);
    bool shuffled = below(4) == 0, first = true;
    put_space();
    put("{");
    for (size_t i = 0; i < count; i++) {
        size_t at = schema->count == 0                       ? 0
                    : shuffled && (odd || schema->count < 2) ? below(schema->count)
                    : shuffled                               ? schema->count - 1 - i
                                                             : i % schema->count;
        if (below(skipped) == 0)
            continue;
        put(first ? "" : ",");
        first = false;
        put_member(schema, at);
    }
    put("}");
    put_space();
    if (odd && below(20) == 0)
        put("x");
}

static void
damage(void)
{
    static const char alphabet[] = "{}[]\",:\\u0123456789eE+-.truefalsn \t\n\xC3\xA9\xFF\0";
    for (uint64_t count = below(3) + 1; count > 0 && length > 0; count--) {
        size_t at = below(length);
        switch (below(4)) {
        case 0:
            event[at] = (char)(event[at] ^ 1 << below(8));
            break;
        case 1:
            event[at] = alphabet[below(sizeof(alphabet) - 1)];
            break;
        case 2:
            memmove(event + at, event + at + 1, --length - at);
            break;
        default:
            length = below(8) == 0 ? at : length;
        }
    }
}

static enum verdict
compare(struct arena *arena, const struct schema *schema)
{
    uint64_t kind = below(3);
    length = 0;
    odd = kind == 2;
    spaced = below(4) == 0;
    put_event(schema);
    if (kind == 1)
        damage();
    uint8_t *exact = malloc(length > 0 ? length : 1); /* so that a read past its end is seen */
    REQUIRE(exact != NULL);
    memcpy(exact, event, length);
    enum verdict verdict = require_same_verdict(arena, schema, (struct bytes){exact, length});
    free(exact);
    return verdict;
}

/* What was compared last, for whoever looks for the difference. */
static void
show_event(void)
{
    fprintf(stderr, "the event was:\n%.*s\n", (int)length, event);
}

int
main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, counts[3] = {0};
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    if (events == 0 || argc > 3) {
        fprintf(stderr, "usage: differential EVENTS [SEED]\n");
        return 2;
    }
    struct schema schema = {0};
    state = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
    fuzz_failed = show_event;
    for (uint64_t n = 0; n < events; n++) {
        if (n % EVENTS_OF_SCHEMA == 0)
            schema = choose_schema();
        counts[compare(fuzz_arena(), &schema)]++;
    }
    printf("differential: events=%" PRIu64 " seed=%" PRIu64 " scanned=%" PRIu64 " declined=%" PRIu64
           " refused=%" PRIu64 " differences=0\n",
           events, seed, counts[BY_SCANNER], counts[BY_TREE], counts[BY_REFUSAL]);
    return 0;
}
