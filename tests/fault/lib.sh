# What the scripts of the fault kit share: a stack whose services see Kafka and PostgreSQL through
# proxies, a log of the faults. Sourced, never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
export MILLRACE_BIN=${MILLRACE_BIN:-build/san} STACK_PORTS=any STACK_PROXIED=1
export SUPERVISE_WAIT_MS=${SUPERVISE_WAIT_MS:-1000}
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

wal_mb=512
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# ---- servers: those of tests/stack with a write-ahead log on a small disk of its own, which can be
# filled, and with the time of each commit, from which recovery is read
servers_up() {
    on_stack up --servers
    # shellcheck source=/dev/null
    source "$stack/env"
    local wal=$stack/wal folder
    folder=$(postgresql_folder)
    [[ -L $folder/pg_wal ]] && return
    sql "ALTER SYSTEM SET track_commit_timestamp = on"
    sql "ALTER SYSTEM SET max_wal_size = '160MB'"
    on_stack down --postgresql
    mkdir -p "$wal"
    mount -t tmpfs -o "size=${wal_mb}m,mode=0755" tmpfs "$wal" ||
        die "a small disk for PostgreSQL's log could not be mounted; the fault kit runs as root"
    cp -a "$folder/pg_wal" "$wal/pg_wal"
    rm -r "$folder/pg_wal"
    ln -s "$wal/pg_wal" "$folder/pg_wal"
    on_stack up --servers
}
servers_wipe() {
    on_stack down
    proxy_stop kafka
    proxy_stop postgresql
    if mountpoint -q "$stack/wal"; then umount "$stack/wal"; fi
    on_stack down --wipe
}

# ---- proxies: build/t/fault-proxy, told what to do through a pipe
proxy_launch() { # kafka|postgresql port target-port
    local control=$stack/run/$1.proxy.control
    rm -f "$control"
    mkfifo "$control"
    (
        close_files
        exec setsid "$root/build/t/fault-proxy" --listen "127.0.0.1:$2" --target "127.0.0.1:$3" \
            --protocol "$1" --control "$control" --seed "$seed" --log "$stack/log/$1.proxy.log"
    ) >>"$stack/log/$1.proxy.err" 2>&1 </dev/null &
    process_record "$1.proxy" $!
    disown
}
proxy_stop() { process_signal TERM "$1.proxy"; }
proxy() { echo "${*:2}" >"$stack/run/$1.proxy.control"; } # which command...
proxies_up() {
    process_find kafka.proxy >/dev/null ||
        proxy_launch kafka "$(port_of kafka.proxy)" "$(port_of kafka.proxied)"
    process_find postgresql.proxy >/dev/null ||
        proxy_launch postgresql "$(port_choose postgresql.proxy 5433)" "$(port_of postgresql)"
    await 10 port_taken "$(port_of kafka.proxy)"
    await 10 port_taken "$(port_of postgresql.proxy)"
}
# A command with the environment that services have.
behind_proxies() {
    MILLRACE_KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:$(port_of kafka.proxy) \
        PGPORT=$(port_of postgresql.proxy) "$@"
}
services_up() { # name of the run; a prefix and a database of its own
    export MILLRACE_PREFIX=$1 PGDATABASE=$1
    createdb "$PGDATABASE"
    behind_proxies on_stack up
}

# ---- instances
instance_end() { # process, its supervisor first
    process_signal TERM "$1.supervise"
    await 30 process_gone "$1.supervise" || process_signal KILL "$1.supervise"
}
instance_kill() {
    process_signal KILL "$1.supervise"
    process_signal KILL "$1"
}
process_gone() { ! process_find "$1" >/dev/null; }
instance_started() { service_get "$1" /startupz >/dev/null; }
