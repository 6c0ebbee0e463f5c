/* arithmetic: a formula over columns, in double precision.
 * It is compiled once into a program in postfix order. The program runs over blocks of rows, an
 * operation at a time. Missing is NaN on the way: an input without a value, a division by zero and
 * an overflow all make one, every operation hands it on, and the row's result is then missing.
 *
 *   sum     = product { ("+" | "-") product }
 *   product = factor { ("*" | "/") factor }
 *   factor  = "-" factor | number | column | name "(" sum { "," sum } ")" | "(" sum ")"
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../column.h"
#include "../entry.h"
#include "step.h"

#define EXPRESSION_LENGTH_MAX 4096
#define EXPRESSION_NESTING_MAX                                                                     \
    64 /* which bounds the parser's recursion and the stack of values                              \
        */
#define BLOCK_ROWS 256

enum operation {
    NUMBER,
    COLUMN,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    MINIMUM,
    MAXIMUM,
    NEGATE,
    ABSOLUTE
};

struct instruction {
    enum operation operation;
    int column;
    double number;
};

struct arithmetic_settings {
    const char *expression;
    struct instruction *program; /* by plan, as what follows */
    size_t length, depth;        /* of the program; of values on its stack at most */
};

static const struct setting table[] = {
    SETTING(arithmetic_settings, expression, TEXT, NULL,
            "numbers, columns, + - * / ( ) and min(a, b) max(a, b) abs(a)"),
    {0},
};

/* ---- from text to program */
struct parser {
    const char *start, *at;
    const struct schema *known;
    const struct node *node;
    struct mistakes *mistakes;
    struct instruction *program;
    size_t length, stack, depth, nesting;
};

static int parse_sum(struct parser *);

static int
mistake_here(const struct parser *parser, const char *expected)
{
    size_t position = (size_t)(parser->at - parser->start) + 1;
    if (*parser->at == '\0')
        return entry_mistake(parser->mistakes, parser->node, "expression",
                             "ends where %s should be", expected);
    int bytes = 1; /* of the character in UTF-8 */
    while ((parser->at[bytes] & 0xC0) == 0x80)
        bytes++;
    return entry_mistake(parser->mistakes, parser->node, "expression",
                         "character %zu is '%.*s' where %s should be", position, bytes, parser->at,
                         expected);
}

static char
next_character(struct parser *parser)
{
    while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' || *parser->at == '\r')
        parser->at++;
    return *parser->at;
}

/* The program has room for as many instructions as the text has characters. */
static int
emit(struct parser *parser, struct instruction instruction)
{
    bool pushes = instruction.operation <= COLUMN;
    bool pops = instruction.operation >= ADD && instruction.operation <= MAXIMUM;
    parser->program[parser->length++] = instruction;
    parser->stack = parser->stack + pushes - pops;
    if (parser->stack > parser->depth)
        parser->depth = parser->stack;
    return 0;
}

static int
parse_number(struct parser *parser)
{
    size_t digits = strspn(parser->at, "0123456789.");
    const char *exponent = parser->at + digits;
    if (*exponent == 'e' || *exponent == 'E') {
        size_t sign = exponent[1] == '+' || exponent[1] == '-';
        size_t count = strspn(exponent + 1 + sign, "0123456789");
        digits += count > 0 ? 1 + sign + count : 0;
    }
    char *end;
    double number = strtod(parser->at, &end);
    if (end != parser->at + digits || !isfinite(number))
        return mistake_here(parser, "a number");
    parser->at = end;
    return emit(parser, (struct instruction){.operation = NUMBER, .number = number});
}

static const struct function {
    const char *name;
    enum operation operation;
    bool many; /* two or more arguments, else one */
} functions[] = {{"min", MINIMUM, true}, {"max", MAXIMUM, true}, {"abs", ABSOLUTE, false}};

static int
parse_arguments(struct parser *parser, const struct function *function)
{
    size_t count = 0;
    do {
        parser->at++; /* over the parenthesis, then over each comma */
        if (parse_sum(parser) != 0)
            return -1;
        if (++count > 1 && function->many)
            emit(parser, (struct instruction){.operation = function->operation});
    } while (next_character(parser) == ',' && function->many);
    if (count < 2 && function->many)
        return mistake_here(parser, "a comma and another argument");
    if (*parser->at != ')')
        return mistake_here(parser, function->many ? "a comma or )" : ")");
    parser->at++;
    return function->many ? 0
                          : emit(parser, (struct instruction){.operation = function->operation});
}

static int
parse_function(struct parser *parser, const char *name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strcmp(functions[i].name, name) == 0)
            return parse_arguments(parser, &functions[i]);
    return entry_mistake(parser->mistakes, parser->node, "expression",
                         "there is no function \"%s\"; there are min, max and abs", name);
}

static int
parse_name(struct parser *parser)
{
    char name[64];
    size_t length = strspn(parser->at, "abcdefghijklmnopqrstuvwxyz0123456789_"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (length >= sizeof(name))
        return mistake_here(parser, "a shorter name");
    memcpy(name, parser->at, length);
    name[length] = '\0';
    parser->at += length;
    if (next_character(parser) == '(')
        return parse_function(parser, name);
    int column = entry_column(parser->mistakes, parser->node, "expression", parser->known, name,
                              ENTRY_NUMBERS);
    if (column < 0)
        return -1;
    return emit(parser, (struct instruction){.operation = COLUMN, .column = column});
}

static int
parse_parentheses(struct parser *parser)
{
    parser->at++;
    if (parse_sum(parser) != 0)
        return -1;
    if (next_character(parser) != ')')
        return mistake_here(parser, "an operator or )");
    parser->at++;
    return 0;
}

static int parse_negation(struct parser *parser);

static int
parse_factor(struct parser *parser)
{
    char next = next_character(parser);
    if (next == '-')
        return parse_negation(parser);
    if (next == '(')
        return parse_parentheses(parser);
    if (isdigit((unsigned char)next) || next == '.')
        return parse_number(parser);
    if (isalpha((unsigned char)next) || next == '_')
        return parse_name(parser);
    return mistake_here(parser, "a number, a column, - or (");
}

static int
parse_negation(struct parser *parser)
{
    bool negative = false;
    while (next_character(parser) == '-') {
        negative = !negative;
        parser->at++;
    }
    if (parse_factor(parser) != 0)
        return -1;
    return negative ? emit(parser, (struct instruction){.operation = NEGATE}) : 0;
}

static int
parse_product(struct parser *parser)
{
    if (parse_factor(parser) != 0)
        return -1;
    for (char sign = next_character(parser); sign == '*' || sign == '/';
         sign = next_character(parser)) {
        parser->at++;
        if (parse_factor(parser) != 0)
            return -1;
        emit(parser, (struct instruction){.operation = sign == '*' ? MULTIPLY : DIVIDE});
    }
    return 0;
}

static int
parse_sum(struct parser *parser)
{
    if (++parser->nesting > EXPRESSION_NESTING_MAX)
        return mistake_here(parser, "a formula nested less deeply");
    if (parse_product(parser) != 0)
        return -1;
    for (char sign = next_character(parser); sign == '+' || sign == '-';
         sign = next_character(parser)) {
        parser->at++;
        if (parse_product(parser) != 0)
            return -1;
        emit(parser, (struct instruction){.operation = sign == '+' ? ADD : SUBTRACT});
    }
    parser->nesting--;
    return 0;
}

static int
plan(void *settings, const struct node *node, struct arena *arena, const struct schema *known,
     enum column_type *type, struct mistakes *mistakes)
{
    struct arithmetic_settings *own = settings;
    size_t length = strlen(own->expression);
    *type = COLUMN_FLOAT64;
    if (length > EXPRESSION_LENGTH_MAX)
        return entry_mistake(mistakes, node, "expression", "is longer than %d characters",
                             EXPRESSION_LENGTH_MAX);
    struct parser parser = {.start = own->expression,
                            .at = own->expression,
                            .known = known,
                            .node = node,
                            .mistakes = mistakes};
    parser.program = arena_alloc(arena, length + 1, sizeof(*parser.program));
    if (parser.program == NULL)
        return entry_mistake(mistakes, node, "expression", "out of memory");
    if (parse_sum(&parser) != 0)
        return -1;
    if (next_character(&parser) != '\0')
        return mistake_here(&parser, "an operator or the end");
    own->program = parser.program;
    own->length = parser.length;
    own->depth = parser.depth;
    return 0;
}

/* ---- from program to column */

/* left = left operation right, for `rows` rows. */
static void
combine(enum operation operation, double *left, const double *right, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        double a = left[i], b = right[i], value = NAN;
        if (operation == ADD)
            value = a + b;
        else if (operation == SUBTRACT)
            value = a - b;
        else if (operation == MULTIPLY)
            value = a * b;
        else if (operation == DIVIDE)
            value = a / b;
        else if (!isnan(a) && !isnan(b))
            value = (operation == MINIMUM ? a < b : a > b) ? a : b;
        left[i] = isfinite(value) ? value : NAN;
    }
}

static void
change(enum operation operation, double *value, size_t rows)
{
    for (size_t i = 0; i < rows; i++)
        value[i] = operation == NEGATE ? -value[i] : fabs(value[i]);
}

/* Leaves the results of rows first .. first + rows - 1 in the lowest block of the stack. */
static void
run_block(const struct arithmetic_settings *own, const struct frame *known, size_t first,
          size_t rows, double *stack)
{
    double *top = stack; /* the block above the topmost value */
    for (size_t i = 0; i < own->length; i++) {
        const struct instruction *instruction = &own->program[i];
        switch (instruction->operation) {
        case NUMBER:
            for (size_t row = 0; row < rows; row++)
                top[row] = instruction->number;
            top += BLOCK_ROWS;
            break;
        case COLUMN:
            column_numbers(&known->column[instruction->column], first, rows, top);
            top += BLOCK_ROWS;
            break;
        case NEGATE:
        case ABSOLUTE:
            change(instruction->operation, top - BLOCK_ROWS, rows);
            break;
        default:
            top -= BLOCK_ROWS;
            combine(instruction->operation, top - BLOCK_ROWS, top, rows);
            break;
        }
    }
}

static int
apply(const void *settings, struct work *work, const struct frame *known, struct column *out,
      struct error *err)
{
    const struct arithmetic_settings *own = settings;
    double *stack = arena_alloc(work->arena, own->depth * BLOCK_ROWS, sizeof(*stack));
    if (stack == NULL)
        return error_memory(err, "the values of a formula");
    for (size_t first = 0; first < known->rows; first += BLOCK_ROWS) {
        size_t left = known->rows - first, rows = left < BLOCK_ROWS ? left : BLOCK_ROWS;
        run_block(own, known, first, rows, stack);
        for (size_t i = 0; i < rows; i++) {
            bool valid = isfinite(stack[i]);
            column_set_valid(out, first + i, valid);
            if (valid)
                out->real[first + i] = stack[i];
        }
    }
    return 0;
}

const struct step_type step_arithmetic = {
    .name = "arithmetic",
    .summary = "a formula over columns",
    .table = table,
    .settings_size = sizeof(struct arithmetic_settings),
    .plan = plan,
    .apply = apply,
};
