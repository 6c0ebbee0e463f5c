# What the end-to-end tests share: statements that hold or do not, and stacks of their own under
# .cache/e2e with the sanitised programs. Sourced, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
export MILLRACE_BIN=${MILLRACE_BIN:-build/san} STACK_PORTS=any
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

csv=$root/tests/data/credit_data.csv
pipeline=$root/schemas/pipelines/loan.json
failed=0 stacks=()
statement() { # status sentence
    if (($1 == 0)); then
        echo "ok - $2"
    else
        echo "not ok - $2"
        failed=1
    fi
}
# holds SENTENCE COMMAND...
holds() {
    local status=0
    "${@:2}" >&2 || status=1
    statement "$status" "$1"
}
# equals SENTENCE EXPECTED ACTUAL
equals() {
    local status=0
    if [[ $2 != "$3" ]]; then
        diff <(echo "$2") <(echo "$3") | sed 's/^/    /' >&2 || true
        status=1
    fi
    statement "$status" "$1"
}

stack_use() { # name; a fresh one
    stack=$root/.cache/e2e/$1
    on_stack down --wipe
    stacks+=("$stack")
}
# What tells why a test failed where nobody can look at its logs: their ends, jobs, and who waits for what.
explain() {
    local log
    for log in "$stack"/log/*.log; do
        [[ $log != */kafka.log && $log != */postgresql.log && -e $log ]] || continue
        echo "---- $log"
        tail -n 12 "$log" | cut -c 1-400
    done
    [[ -e $stack/env ]] || return 0
    # shellcheck source=/dev/null
    source "$stack/env"
    export PGCONNECT_TIMEOUT=2
    sql "SELECT id, kind, status, worker, attempt, leased_until, note FROM ops.jobs ORDER BY id DESC LIMIT 5" || true
    sql "SELECT pid, application_name, state, wait_event, now() - xact_start, left(query, 120)
         FROM pg_stat_activity WHERE state <> 'idle' OR application_name LIKE 'training%'" || true
    sql "SELECT pid, locktype, relation::regclass, mode, granted FROM pg_locks WHERE NOT granted" || true
}
# Stops everything; logs and data stay for whoever asks why a test failed.
finish() {
    local status=$? log i
    if ((status != 0)); then echo "not ok - the test goes to its end (status $status)"; fi
    for ((i = ${#stacks[@]} - 1; i >= 0; i--)); do # the first may hold the others' servers
        stack=${stacks[i]}
        if ((status != 0 || failed != 0)); then explain >&2; fi
        for log in "$stack"/log/asan.*; do
            [[ -e $log ]] || continue
            echo "not ok - no program is reported by the sanitizers"
            cat "$log" >&2
            failed=1
        done
        on_stack down || failed=1
        if ((status == 0 && failed == 0)); then on_stack down --wipe; fi
    done
    exit $((status != 0 || failed))
}
trap finish EXIT

train_and_promote() {
    millrace train -p loan --wait --timeout 3min -q >/dev/null
    millrace models promote -p loan 1 -q >/dev/null
}
# Adds up events_in - events_out - outcomes - dead - duplicate over all stages and partitions.
conservation_error() {
    sql "SELECT coalesce(sum(abs(events_in - events_out - outcomes - dead - duplicate)), -1) FROM monitor.stage"
}
