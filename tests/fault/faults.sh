# The faults, one function each: fault_<class> TARGET returns when the fault is over, whatever it left
# behind. A line "# targets: ..." names what a class may strike; the schedule draws among them.
# Sourced by run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154

# ---- processes
# targets: ingestion cleaning features training scoring monitoring
fault_kill() { process_signal KILL "$1"; }

# Stopped for longer than its session, while another instance takes over; then it goes on.
# targets: ingestion cleaning features scoring
fault_zombie() {
    behind_proxies service_launch "$1" 1 8091
    await 30 instance_started "$1.1" || note "  the second instance of $1 did not start"
    process_signal STOP "$1"
    sleep 13
    process_signal CONT "$1"
    sleep 2
    instance_end "$1.1"
}
# Two instances that both believe to be number 0: same transactional id, same member of the group.
# targets: ingestion cleaning features scoring
fault_twin() {
    behind_proxies service_launch "$1" 0 8092 "$1.twin"
    sleep 8
    instance_end "$1.twin"
}
# targets: ingestion cleaning features scoring
fault_scale() {
    local turn
    for turn in 1 2 3; do
        behind_proxies service_launch "$1" 1 8091
        sleep $((turn + 2))
        instance_end "$1.1"
    done
}
# Ends at steps of its loops, some at the first time it comes there, some at the seventh. The target may
# name them itself: scoring:stream.committed:3.
# targets: ingestion cleaning features scoring
fault_points() {
    local service=${1%%:*} list=${1#*:}
    if [[ $list == "$1" ]]; then list=$(random_points); fi
    note "  $list"
    relaunch_with_points "$service" "$list"
    sleep "${FAULT_POINTS_S:-10}"
}
random_points() {
    "$root/tests/fault/points" | shuf -n "${FAULT_POINTS:-4}" --random-source=<(yes "$seed.$number") |
        awk '{ printf "%s%s:%d", (NR > 1 ? "," : ""), $1, (NR % 2 ? 1 : 7) }'
}
relaunch_with_points() { # service list
    local once=$stack/points/$MILLRACE_PREFIX.$number
    mkdir -p "$once"
    instance_kill "$1"
    FAILPOINT=$2 FAILPOINT_ONCE=$once behind_proxies service_launch "$1" 0 8090
}
# Stopped in the middle of a step for longer than its session, while another instance takes over; then
# it goes on with what it had in hand.
# targets: scoring:stream.handled cleaning:stream.offsets_sent features:stream.half_produced ingestion:stream.committing scoring:sink.polled features:sink.half_copied cleaning:sink.committing
fault_pause() {
    local service=${1%%:*} point=${1#*:}
    behind_proxies service_launch "$service" 1 8091
    await 30 instance_started "$service.1" || note "  the second instance of $service did not start"
    relaunch_with_points "$service" "$point:9:stop"
    await 30 is_stopped "$service" || note "  $service did not come to $point"
    sleep 13
    process_signal CONT "$service"
    sleep 3
    instance_end "$service.1"
}
is_stopped() {
    local pid
    pid=$(process_find "$1") && grep -q '^State:.T' "/proc/$pid/status"
}
# The process' wall clock leaps; the machine's does not.
# targets: ingestion cleaning features scoring
fault_clock() {
    local leap file=$stack/run/$1.clock
    echo "+0" >"$file"
    instance_kill "$1"
    SUPERVISE_WITH="env LD_PRELOAD=$(faketime_library) FAKETIME_TIMESTAMP_FILE=$file FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1" \
        STACK_ASAN=verify_asan_link_order=0 behind_proxies service_launch "$1" 0 8090
    sleep 3
    for leap in +1h -1h +10d -10d +0; do
        echo "$leap" >"$file"
        sleep 2
    done
    instance_kill "$1"
    behind_proxies service_launch "$1" 0 8090
}
faketime_library() { find /usr/lib -name libfaketime.so.1 -print -quit; }

# ---- servers
fault_kafka() {
    process_signal KILL kafka
    on_stack up --servers
}
fault_postgresql() {
    as_postgres "$postgresql_bin/pg_ctl" stop -s -w -t 30 -m immediate -D "$(postgresql_folder)"
    on_stack up --servers
}
# Every session of the services is ended, whatever it is doing.
fault_backend() {
    sql "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '$PGDATABASE' AND pid <> pg_backend_pid()" >/dev/null
}
# The disk of the write-ahead log is full, which ends PostgreSQL; it starts once there is room again.
fault_disk() {
    local free turn
    free=$(df --output=avail -B1 "$stack/wal" | tail -n 1)
    fallocate -l "$free" "$stack/wal/ballast"
    for ((turn = 0; turn < 40; turn++)); do # uses up the segments that lie ready
        sql 'SELECT pg_switch_wal(), txid_current()' >/dev/null 2>&1 || break
    done
    await 10 postgresql_gone || note "  PostgreSQL survived a full disk"
    sleep 2
    rm "$stack/wal/ballast"
    on_stack up --servers
}
postgresql_gone() { ! psql -qAtc 'SELECT' >/dev/null 2>&1; }

# ---- the network, between the services and Kafka
network() { # seconds command...: for a while
    proxy kafka "${@:2}"
    sleep "$1"
    proxy kafka heal
}
# A request was applied, its reply is lost with the connection.
# targets: EndTxn TxnOffsetCommit AddOffsetsToTxn AddPartitionsToTxn InitProducerId
fault_drop() { network 6 drop "$1" 0.3; }
# The reply alone is lost; the client waits until its time is over.
# targets: EndTxn TxnOffsetCommit Produce
fault_swallow() { network 6 swallow "$1" 0.05; }
# The connection breaks and the request arrives nevertheless, later, when the next transaction may be
# under way (KAFKA-17754).
# targets: EndTxn TxnOffsetCommit AddPartitionsToTxn AddOffsetsToTxn
fault_late() {
    proxy kafka repeat-delay 150
    network 6 late "$1" 0.3
}
# Replies of everything that writes, one in a hundred.
fault_loss() {
    local request
    for request in Produce EndTxn TxnOffsetCommit AddOffsetsToTxn AddPartitionsToTxn Fetch; do
        proxy kafka drop "$request" 0.01
    done
    sleep 8
    proxy kafka heal
}
fault_delay() { network 6 delay 150 100; }
# targets: to-server to-client both
fault_cut() { network 6 cut "$1" 5; }
fault_reset() {
    proxy kafka reset
    proxy postgresql reset
}

# ---- and between the services and PostgreSQL
# The commit was done, its answer is lost.
fault_commit() {
    proxy postgresql drop commit 0.2
    sleep 6
    proxy postgresql heal
}
# targets: to-server to-client both
fault_partition() {
    proxy postgresql cut "$1" 5
    sleep 6
    proxy postgresql heal
}
