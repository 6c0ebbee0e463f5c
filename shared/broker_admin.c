/* broker_admin: topics, watermarks and offsets, asked over one client per struct broker.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker_private.h"

#define ADMIN_TIMEOUT_MS 10000

rd_kafka_t *
broker_admin(struct broker *broker, struct error *err)
{
    const char *const settings[] = {"isolation.level", "read_uncommitted", "group.id",
                                    "millrace.admin", NULL};
    pthread_mutex_lock(&broker->lock);
    if (broker->admin == NULL) {
        rd_kafka_conf_t *conf = broker_conf(broker, CLIENT_CONSUMER, NULL, settings, err);
        if (conf != NULL)
            broker->admin = broker_client(conf, CLIENT_CONSUMER, err);
    } else {
        passed_renew(broker, broker->admin); /* nobody listens to its errors */
    }
    rd_kafka_t *admin = broker->admin;
    pthread_mutex_unlock(&broker->lock);
    return admin;
}

static rd_kafka_NewTopic_t *
new_topic(const struct topic_spec *spec, struct error *err)
{
    char reason[256];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, spec->partitions, spec->replication == 0 ? -1 : spec->replication, reason,
        sizeof(reason));
    if (topic == NULL) {
        error_set(err, ERROR_FATAL, "topic %s: %s", spec->name, reason);
        return NULL;
    }
    for (size_t i = 0; i + 1 < 16 && spec->config[i] != NULL; i += 2)
        rd_kafka_NewTopic_set_config(topic, spec->config[i], spec->config[i + 1]);
    return topic;
}

static int
created(rd_kafka_event_t *event, const char *name, enum topic_outcome *outcome, struct error *err)
{
    size_t count = 0;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERROR_TRANSIENT, "creating topic %s: %s", name,
                         rd_kafka_event_error_string(event));
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(result, &count);
    rd_kafka_resp_err_t code =
        count == 0 ? RD_KAFKA_RESP_ERR_UNKNOWN : rd_kafka_topic_result_error(topics[0]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
        *outcome = code == RD_KAFKA_RESP_ERR_NO_ERROR ? TOPIC_CREATED : TOPIC_EXISTED;
        return 0;
    }
    const char *reason = count == 0 ? NULL : rd_kafka_topic_result_error_string(topics[0]);
    return error_set(err, ERROR_FATAL, "creating topic %s: %s", name,
                     reason == NULL ? rd_kafka_err2str(code) : reason);
}

int
broker_create_topic(struct broker *broker, const struct topic_spec *spec,
                    enum topic_outcome *outcome, struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    rd_kafka_NewTopic_t *topic = admin == NULL ? NULL : new_topic(spec, err);
    if (topic == NULL)
        return -1;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(admin, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    char reason[256];
    rd_kafka_AdminOptions_set_operation_timeout(options, ADMIN_TIMEOUT_MS, reason, sizeof(reason));
    rd_kafka_CreateTopics(admin, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * ADMIN_TIMEOUT_MS);
    int failed = event == NULL
                     ? error_set(err, ERROR_TRANSIENT, "creating topic %s: no answer", spec->name)
                     : created(event, spec->name, outcome, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return failed;
}

int
broker_partitions(struct broker *broker, const char *topic, int *count, struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    if (admin == NULL)
        return -1;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(admin, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin, 0, handle, &metadata, ADMIN_TIMEOUT_MS);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return broker_code(err, code, "metadata");
    int found = 0;
    if (metadata->topic_cnt == 1) {
        code = metadata->topics[0].err;
        found = metadata->topics[0].partition_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return broker_code(err, code, "metadata");
    *count = code == RD_KAFKA_RESP_ERR_NO_ERROR ? found : 0;
    return 0;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
broker_topics(struct broker *broker, const char *prefix, char ***names, struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    const struct rd_kafka_metadata *metadata = NULL;
    if (admin == NULL)
        return -1;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin, 1, NULL, &metadata, ADMIN_TIMEOUT_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return broker_code(err, code, "metadata");
    size_t count = 0, bytes = 0, length = strlen(prefix);
    for (int i = 0; i < metadata->topic_cnt; i++)
        bytes += strlen(metadata->topics[i].topic) + 1;
    char **list = malloc(((size_t)metadata->topic_cnt + 1) * sizeof(char *) + bytes);
    if (list == NULL) {
        rd_kafka_metadata_destroy(metadata);
        return error_memory(err, "topic names");
    }
    char *text = (char *)(list + metadata->topic_cnt + 1);
    for (int i = 0; i < metadata->topic_cnt; i++) {
        const char *name = metadata->topics[i].topic;
        if (strncmp(name, prefix, length) != 0)
            continue;
        list[count++] = text;
        text = stpcpy(text, name) + 1;
    }
    list[count] = NULL;
    qsort(list, count, sizeof(char *), by_name);
    rd_kafka_metadata_destroy(metadata);
    *names = list;
    return 0;
}

#define TIMESTAMP_LATEST   (-1) /* of the ListOffsets request */
#define TIMESTAMP_EARLIEST (-2)

static rd_kafka_resp_err_t
log_end(rd_kafka_t *client, const char *topic, int32_t partition, int64_t timestamp, int timeout_ms,
        int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, topic, partition);
    at->offset = timestamp;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(client, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = at->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *offset = at->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rd_kafka_resp_err_t
log_ends(rd_kafka_t *client, const char *topic, int32_t partition, int timeout_ms, int64_t *low,
         int64_t *high)
{
    int64_t first = 0;
    rd_kafka_resp_err_t code =
        log_end(client, topic, partition, TIMESTAMP_EARLIEST, timeout_ms, &first);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = log_end(client, topic, partition, TIMESTAMP_LATEST, timeout_ms, high);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *low = first;
    return code;
}

int
broker_watermarks(struct broker *broker, const char *topic, int32_t partition, int64_t *low,
                  int64_t *high, struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    if (admin == NULL)
        return -1;
    rd_kafka_resp_err_t code = log_ends(admin, topic, partition, ADMIN_TIMEOUT_MS, low, high);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : broker_code(err, code, "watermarks");
}

static int
take_offsets(rd_kafka_event_t *event, struct position *position, size_t count, struct error *err)
{
    size_t groups = 0;
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error_set(err, ERROR_TRANSIENT, "group offsets: %s",
                         rd_kafka_event_error_string(event));
    const rd_kafka_ListConsumerGroupOffsets_result_t *result =
        rd_kafka_event_ListConsumerGroupOffsets_result(event);
    const rd_kafka_group_result_t **group =
        rd_kafka_ListConsumerGroupOffsets_result_groups(result, &groups);
    if (groups != 1)
        return error_set(err, ERROR_TRANSIENT, "group offsets: no group in the answer");
    const rd_kafka_error_t *error = rd_kafka_group_result_error(group[0]);
    if (error != NULL)
        return error_set(err, ERROR_TRANSIENT, "group offsets: %s", rd_kafka_error_string(error));
    const rd_kafka_topic_partition_list_t *list = rd_kafka_group_result_partitions(group[0]);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *at =
            rd_kafka_topic_partition_list_find((rd_kafka_topic_partition_list_t *)(uintptr_t)list,
                                               position[i].topic, position[i].partition);
        position[i].offset = at == NULL || at->offset < 0 ? -1 : at->offset;
    }
    return 0;
}

int
broker_committed(struct broker *broker, const char *group, struct position *position, size_t count,
                 struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    if (admin == NULL)
        return -1;
    rd_kafka_topic_partition_list_t *list = positions_list(position, count);
    rd_kafka_ListConsumerGroupOffsets_t *request =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin);
    rd_kafka_ListConsumerGroupOffsets(admin, &request, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ADMIN_TIMEOUT_MS);
    int failed = event == NULL ? error_set(err, ERROR_TRANSIENT, "group offsets: no answer")
                               : take_offsets(event, position, count, err);
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_ListConsumerGroupOffsets_destroy(request);
    rd_kafka_queue_destroy(queue);
    rd_kafka_topic_partition_list_destroy(list);
    return failed;
}

int
broker_cluster_id(struct broker *broker, char out[64], struct error *err)
{
    rd_kafka_t *admin = broker_admin(broker, err);
    if (admin == NULL)
        return -1;
    char *id = rd_kafka_clusterid(admin, ADMIN_TIMEOUT_MS);
    if (id == NULL)
        return error_set(err, ERROR_TRANSIENT, "no Kafka broker answers at %s",
                         broker->settings.bootstrap_servers);
    snprintf(out, 64, "%s", id);
    rd_kafka_mem_free(admin, id);
    return 0;
}
