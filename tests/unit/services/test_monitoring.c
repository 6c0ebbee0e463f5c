/* Tests of what monitoring computes. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "../../../services/monitoring/counted.h"
#include "../../../services/monitoring/law.h"
#include "../../../services/monitoring/stages.h"
#include "../../../services/monitoring/watch.h"
#include "check_main.h"

#define PARTITIONS 4
static int64_t sent[PARTITIONS];
static struct counted counted = {.sent = sent};
static struct error err;

static int
read_record(const char *json, enum topic output)
{
    return counted_read(bytes_of(json), output, PARTITIONS, &counted, &err);
}

START_TEST(a_position_record_tells_what_was_done)
{
    ck_ok(read_record("{\"offsets\":{\"m.loan.events\":90},\"seq\":{\"raw/0\":3,\"raw/3\":5,"
                      "\"labels/1\":2,\"dead/0\":1},\"seen\":{},\"in\":10,\"out\":8,\"outcomes\":1,"
                      "\"dead\":1,\"duplicate\":0,\"replayed\":2}",
                      TOPIC_RAW),
          err);
    ck_assert_int_eq(counted.in, 10);
    ck_assert_int_eq(counted.replayed, 2);
    ck_assert_int_eq(counted.written[TOPIC_RAW], 8);
    ck_assert_int_eq(counted.written[TOPIC_LABELS], 2);
    ck_assert_int_eq(sent[0], 3);
    ck_assert_int_eq(sent[1], 0);
    ck_assert_int_eq(sent[3], 5);
    ck_assert_int_eq(law_within(&counted, PARTITIONS), 0);
}
END_TEST

START_TEST(a_newer_record_replaces_all_of_the_older_one)
{
    ck_ok(read_record("{\"seq\":{\"clean/1\":3},\"in\":3,\"out\":3}", TOPIC_CLEAN), err);
    ck_ok(read_record("{\"seq\":{\"clean/2\":1},\"in\":1,\"out\":1}", TOPIC_CLEAN), err);
    ck_assert_int_eq(counted.written[TOPIC_CLEAN], 1);
    ck_assert_int_eq(sent[1], 0);
}
END_TEST

START_TEST(unknown_stages_of_a_newer_service_are_left_out)
{
    ck_ok(read_record("{\"seq\":{\"shadow/1\":3},\"in\":0,\"out\":0}", TOPIC_CLEAN), err);
}
END_TEST

START_TEST(a_record_that_is_no_json_is_refused)
{
    ck_assert_int_eq(read_record("{\"in\":", TOPIC_RAW), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_int_eq(counted_read(BYTES_NONE, TOPIC_RAW, PARTITIONS, &counted, &err), -1);
}
END_TEST

START_TEST(a_record_that_is_no_object_is_refused)
{
    ck_assert_int_eq(read_record("[]", TOPIC_RAW), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_negative_or_broken_count_is_refused)
{
    ck_assert_int_eq(read_record("{\"in\":-1}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"out\":1.5}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":[]}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":{\"raw/0\":-4}}", TOPIC_RAW), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
}
END_TEST

START_TEST(a_sequence_outside_of_the_partitions_is_refused)
{
    ck_assert_int_eq(read_record("{\"seq\":{\"raw/4\":1}}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":{\"raw/-1\":1}}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":{\"raw/\":1}}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":{\"raw/99999999999999999999\":1}}", TOPIC_RAW), -1);
    ck_assert_int_eq(read_record("{\"seq\":{\"raw\":1}}", TOPIC_RAW), -1);
}
END_TEST

START_TEST(sequences_too_large_to_add_are_refused)
{
    ck_assert_int_eq(
        read_record("{\"seq\":{\"raw/0\":9223372036854775807,\"raw/1\":1}}", TOPIC_RAW), -1);
}
END_TEST

START_TEST(a_lost_record_breaks_the_law_within_a_stage)
{
    ck_ok(read_record("{\"seq\":{\"raw/0\":8},\"in\":10,\"out\":8,\"dead\":1}", TOPIC_RAW), err);
    ck_assert_int_eq(law_within(&counted, PARTITIONS), 1);
}
END_TEST

START_TEST(an_output_that_was_never_written_breaks_the_law_within_a_stage)
{
    ck_ok(read_record("{\"seq\":{\"raw/0\":8},\"in\":9,\"out\":9}", TOPIC_RAW), err);
    ck_assert_int_eq(law_within(&counted, PARTITIONS), 1);
}
END_TEST

START_TEST(duplicates_and_outcomes_are_part_of_the_account)
{
    ck_ok(read_record("{\"seq\":{\"raw/1\":5},\"in\":10,\"out\":5,\"outcomes\":2,\"dead\":1,"
                      "\"duplicate\":2}",
                      TOPIC_RAW),
          err);
    ck_assert_int_eq(law_within(&counted, PARTITIONS), 0);
}
END_TEST

START_TEST(a_stage_may_be_behind_but_never_ahead)
{
    ck_assert_int_eq(law_between(10, 7, 8, false), 0);
    ck_assert_int_eq(law_between(10, 12, 12, false), 2);
}
END_TEST

START_TEST(what_a_drained_stage_did_not_take_in_is_lost)
{
    ck_assert_int_eq(law_between(10, 9, 9, true), 1);
    ck_assert_int_eq(law_between(10, 10, 10, true), 0);
}
END_TEST

START_TEST(what_a_stage_took_in_after_the_other_was_read_is_no_error)
{
    ck_assert_int_eq(law_between(10, 10, 14, true), 0);
}
END_TEST

START_TEST(an_error_counts_when_it_stays)
{
    struct settling settling = {0};
    ck_assert_int_eq(law_settled(&settling, 3), 0);
    ck_assert_int_eq(law_settled(&settling, 2), 0);
    ck_assert_int_eq(law_settled(&settling, 2), 2);
    ck_assert_int_eq(law_settled(&settling, 0), 0);
}
END_TEST

START_TEST(a_distance_of_transaction_marks_alone_is_no_lag)
{
    struct distance distance = {.from = -1, .end = -1};
    ck_assert_int_eq(distance_records(&distance), -1);
    distance_set(&distance, 99, 100);
    ck_assert_int_eq(distance_records(&distance), 1);
    distance_set(&distance, 99, 100);
    ck_assert(distance.still);
    distance.probed = distance.empty = true;
    ck_assert_int_eq(distance_records(&distance), 0);
}
END_TEST

START_TEST(a_probe_is_forgotten_when_anything_moved)
{
    struct distance distance = {.from = 99, .end = 100, .probed = true, .empty = true};
    distance_set(&distance, 99, 103);
    ck_assert(!distance.still);
    ck_assert_int_eq(distance_records(&distance), 4);
}
END_TEST

START_TEST(each_stage_reads_what_the_one_before_writes_first)
{
    for (int i = 1; i < STAGES; i++)
        ck_assert_int_eq(stages[i].input, stages[i - 1].output);
    for (int i = 0; i < STAGES; i++)
        ck_assert(!groups[i].sink && groups[i].stage == i && groups[i].topic == stages[i].input);
    ck_assert_int_eq(topic_find("nothing"), -1);
}
END_TEST

RUN_TESTS("monitoring", a_position_record_tells_what_was_done,
          a_newer_record_replaces_all_of_the_older_one,
          unknown_stages_of_a_newer_service_are_left_out, a_record_that_is_no_json_is_refused,
          a_record_that_is_no_object_is_refused, a_negative_or_broken_count_is_refused,
          a_sequence_outside_of_the_partitions_is_refused, sequences_too_large_to_add_are_refused,
          a_lost_record_breaks_the_law_within_a_stage,
          an_output_that_was_never_written_breaks_the_law_within_a_stage,
          duplicates_and_outcomes_are_part_of_the_account, a_stage_may_be_behind_but_never_ahead,
          what_a_drained_stage_did_not_take_in_is_lost,
          what_a_stage_took_in_after_the_other_was_read_is_no_error, an_error_counts_when_it_stays,
          a_distance_of_transaction_marks_alone_is_no_lag, a_probe_is_forgotten_when_anything_moved,
          each_stage_reads_what_the_one_before_writes_first)
