/* broker_passed: what users pass through to librdkafka by MILLRACE_KAFKA_<PROPERTY>, and the files
 * that hold such values: each new client takes what these hold now, and a client that the brokers
 * refuse takes the user and the password anew, so that a password is changed without a restart.
 * See broker.h. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker_private.h"

#define PREFIX       "MILLRACE_KAFKA_"
#define PROPERTY_MAX 128
#define VALUE_MAX    4096 /* bytes of a file */

struct passed {
    char name[PROPERTY_MAX];
    char *value;      /* at start */
    const char *path; /* of the file that holds it, in the environment; or NULL */
};

extern char **environ;

/* Properties that carry the exactly-once protocol or name identities: not for users to set. */
static const char *const ours[] = {
    "enable.auto.commit",
    "enable.auto.offset.store",
    "isolation.level",
    "auto.offset.reset",
    "partition.assignment.strategy",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "partitioner",
    "client.id",
    "allow.auto.create.topics",
    "enable.partition.eof",
    "bootstrap.servers",
    "metadata.broker.list",
    "transaction.timeout.ms",
    "max.in.flight.requests.per.connection",
    NULL,
};

/* The property of a variable "NAME=...": lower case, dots for underscores; false: none of ours. */
static bool
property_of(const char *variable, char name[PROPERTY_MAX])
{
    const char *equals = strchr(variable, '=');
    if (strncmp(variable, PREFIX, strlen(PREFIX)) != 0 || equals == NULL)
        return false;
    const char *word = variable + strlen(PREFIX);
    size_t length = (size_t)(equals - word);
    if (length == 0 || length >= PROPERTY_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        name[i] = word[i] == '_' ? '.' : (char)tolower((unsigned char)word[i]);
    name[length] = '\0';
    return strcmp(name, "bootstrap.servers") != 0 && strcmp(name, "bootstrap.servers.file") != 0;
}

/* What a file holds, without the end of its last line; NULL: it cannot be read. */
static char *
value_of_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char line[VALUE_MAX] = "";
    if (file == NULL)
        return NULL;
    size_t got = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    while (got > 0 && (line[got - 1] == '\n' || line[got - 1] == '\r'))
        got--;
    return strndup(line, got);
}

static bool
is_known(const char *name, const char *value, char *reason, size_t size)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, size);
    rd_kafka_conf_destroy(conf);
    return result == RD_KAFKA_CONF_OK;
}

/* Takes the property of a variable; `where` is the variable's name. */
static int
take(struct broker *broker, struct passed passed, const char *where, const char *value,
     struct mistakes *mistakes)
{
    for (size_t i = 0; ours[i] != NULL; i++)
        if (strcmp(ours[i], passed.name) == 0)
            return mistake_add(mistakes, where,
                               "'%s' carries Millrace's own protocol and cannot be set",
                               passed.name);
    size_t length = strlen(passed.name);
    if (length > 5 && strcmp(passed.name + length - 5, ".file") == 0) {
        passed.name[length - 5] = '\0';
        passed.path = value;
    }
    passed.value = passed.path == NULL ? strdup(value) : value_of_file(passed.path);
    if (passed.value == NULL)
        return mistake_add(mistakes, where, "cannot open '%s'", value);
    char reason[256] = "";
    struct passed *more = NULL;
    if (!is_known(passed.name, passed.value, reason, sizeof(reason)))
        mistake_add(mistakes, where, "librdkafka refuses it: %s", reason);
    else if ((more = reallocarray(broker->passed, broker->passes + 1, sizeof(*more))) == NULL)
        mistake_add(mistakes, where, "out of memory");
    if (more == NULL) {
        free(passed.value);
        return -1;
    }
    broker->passed = more;
    broker->passed[broker->passes++] = passed;
    return 0;
}

int
passed_read(struct broker *broker, struct mistakes *mistakes)
{
    int bad = 0;
    for (char **variable = environ; *variable != NULL; variable++) {
        struct passed passed = {.path = NULL};
        if (!property_of(*variable, passed.name))
            continue;
        const char *equals = strchr(*variable, '=');
        char where[sizeof(PREFIX) + PROPERTY_MAX];
        snprintf(where, sizeof(where), "%.*s", (int)(equals - *variable), *variable);
        bad |= take(broker, passed, where, equals + 1, mistakes);
    }
    return bad;
}

void
passed_free(struct broker *broker)
{
    for (size_t i = 0; i < broker->passes; i++)
        free(broker->passed[i].value);
    free(broker->passed);
}

/* A file that cannot be read just now, as while it is replaced, does not stop a client. */
static char *
value_now(const struct passed *passed)
{
    char *value = passed->path == NULL ? NULL : value_of_file(passed->path);
    return value == NULL ? strdup(passed->value) : value;
}

int
passed_set(const struct broker *broker, rd_kafka_conf_t *conf, struct error *err)
{
    for (size_t i = 0; i < broker->passes; i++) {
        const char *name = broker->passed[i].name;
        char reason[256] = "out of memory";
        char *value = value_now(&broker->passed[i]);
        bool done = value != NULL && rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) ==
                                         RD_KAFKA_CONF_OK;
        free(value);
        if (!done) /* without the value, which may be a secret */
            return error_set(err, ERROR_FATAL, "librdkafka: %s: %s", name, reason);
    }
    return 0;
}

static const struct passed *
passed_find(const struct broker *broker, const char *name)
{
    for (size_t i = 0; i < broker->passes; i++)
        if (strcmp(broker->passed[i].name, name) == 0)
            return &broker->passed[i];
    return NULL;
}

void
passed_renew(const struct broker *broker, rd_kafka_t *client)
{
    const struct passed *user = passed_find(broker, "sasl.username");
    const struct passed *password = passed_find(broker, "sasl.password");
    if (user == NULL || password == NULL || (user->path == NULL && password->path == NULL))
        return;
    char *user_now = value_now(user), *password_now = value_now(password);
    if (user_now != NULL && password_now != NULL) {
        rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(client, user_now, password_now);
        if (error != NULL) /* of a mechanism without passwords */
            rd_kafka_error_destroy(error);
    }
    free(user_now);
    free(password_now);
}
