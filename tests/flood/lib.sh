# The flood: seeded events that go the whole way of a pipeline of their own (loan.json here: the loan
# case with customers and windows), and what is to be left of them. Sourced after tests/lib.sh, never run.
# Who sources it sets flood (events), seed and scratch (a folder).
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
taught=3000 hollow=10
applications=$root/tests/data/credit_data.csv

# Makes the events and reads what is to become of them.
flood_make() {
    TEACH=1 "$root/tests/flood/resample" "$seed" "$taught" "$applications" /dev/null >"$scratch/teach.jsonl"
    "$root/tests/flood/resample" "$seed" "$flood" "$applications" "$scratch/expected" >"$scratch/flood.jsonl"
    good=$(awk '$1 == "good" { print $2 }' "$scratch/expected")
    labels=$(awk '$1 == "labels" { print $2 }' "$scratch/expected")
    # kcat adds what no file of lines can hold: values without a byte, and none at all.
    reasons=$(awk -v hollow="$((2 * hollow))" 'BEGIN { print "codec.empty", hollow }
        $1 != "good" && $1 != "labels" { print }' "$scratch/expected" | LC_ALL=C sort)
    bad=$(awk '{ sum += $2 } END { print sum }' <<<"$reasons")
}
flood_hollow() { # sends them
    local n kind none=()
    for ((n = 1; n <= hollow; n++)); do
        for kind in empty tombstone; do
            # The delimiter leaves an empty value; -Z makes it none.
            [[ $kind == empty ]] || none=(-Z)
            printf '%s-%d:\n' "$kind" "$n" |
                kcat -P -b "$MILLRACE_KAFKA_BOOTSTRAP_SERVERS" -t "$MILLRACE_PREFIX.loan.events" -K : \
                    "${none[@]}" -H ce_specversion=1.0 -H "ce_id=$kind-$n" -H ce_source=kcat \
                    -H "ce_type=$MILLRACE_PREFIX.event.submitted.v1"
            none=()
        done
    done
}
# Waits for a Kafka that comes back rather than leave events unsent.
flood_send() { # [option...]
    MILLRACE_KAFKA_MESSAGE_TIMEOUT_MS=300000 millrace ingest "$scratch/flood.jsonl" -p loan --id-field id --time-field time -q "$@" >/dev/null
}
# Applies the pipeline, teaches a champion, and waits until what taught it is decided.
flood_prepare() {
    millrace pipeline apply "$root/tests/flood/loan.json" -q >/dev/null
    millrace ingest "$scratch/teach.jsonl" -p loan --id-field id --time-field time -q >/dev/null
    await_count 120 "$taught" "feature rows" rows feature.loan
    await_count 60 "$taught" "label rows" rows label.loan
    millrace train -p loan --wait -q >/dev/null
    millrace models promote -p loan 1 -q >/dev/null
    await_count 120 "$taught" "decisions" rows decision.loan
}
flood_await() { # seconds for the decisions; the rest follows within a minute each
    await_count "$1" "$((taught + good))" decisions topic_count decisions &&
        await_count 60 "$bad" "dead letters" topic_count dead &&
        await_count 60 "$((taught + good))" "decision rows" rows decision.loan &&
        await_count 60 "$((taught + good))" "feature rows" rows feature.loan &&
        await_count 60 "$((taught + good))" "clean rows" rows clean.loan &&
        await_count 60 "$((taught + labels))" "label rows" rows label.loan &&
        await_count 60 "$bad" "dead rows" rows dead.loan
}
flood_digest() { "$root/tests/flood/digest" "e-$seed-"; }
flood_model() { sql 'SELECT digest FROM model.version'; }
flood_reasons() {
    sql "SELECT reason || ' ' || count(*) FROM dead.loan GROUP BY reason ORDER BY reason COLLATE \"C\""
}
# Every stage's counts add up, and scoring has decided each good event.
flood_conserved() {
    [[ $(sql "SELECT coalesce(sum(abs(events_in - events_out - outcomes - dead - duplicate)), -1),
                     coalesce(sum(events_out) FILTER (WHERE stage = 'scoring'), 0)
              FROM monitor.stage") == "0|$((taught + good))" ]]
}
