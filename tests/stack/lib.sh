# What the scripts of the stack share: where its state lives, which processes and ports are its own.
# Sourced, never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
absolute() { [[ $1 == /* ]] && echo "$1" || echo "$root/$1"; }
stack=$(absolute "${MILLRACE_STACK:-.cache/stack}")
bin=$(absolute "${MILLRACE_BIN:-build}")
# Programs refuse MILLRACE_* variables that they do not know, so these two end here.
unset MILLRACE_STACK MILLRACE_BIN

services=(ingestion cleaning features training scoring monitoring)
kafka_libs=$root/.cache/kafka/libs
postgresql_bin=/usr/lib/postgresql/15/bin

note() { echo "$*" >&2; }
die() {
    note "$(basename "$0"): $*"
    exit 1
}

# ---- processes: <state>/run/<name>.pid holds "pid start-time"; the time unmasks a pid used anew
process_started() { # pid; fails for dead ones and zombies
    local stat field
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    read -ra field <<<"${stat##*) }"
    [[ ${field[0]} != Z ]] && echo "${field[19]}"
}
process_record() { # name pid
    local started
    started=$(process_started "$2") || return 0
    echo "$2 $started" >"$stack/run/.$1.$$"
    mv "$stack/run/.$1.$$" "$stack/run/$1.pid"
}
process_find() { # name; prints the pid of a living process of ours
    local pid started
    read -r pid started 2>/dev/null <"$stack/run/$1.pid" || return 1
    [[ $(process_started "$pid") == "$started" ]] && echo "$pid"
}
process_signal() { # signal name
    local pid
    if pid=$(process_find "$2"); then kill "-$1" "$pid" 2>/dev/null || true; fi
}

# Closes what this subshell inherited from whoever called: pipes of make or of tail would wait for a
# server that stays.
close_files() {
    local file
    for file in /proc/"$BASHPID"/fd/*; do
        file=${file##*/}
        if ((file > 2 && file != 255)); then eval "exec $file>&-"; fi
    done
}

# await SECONDS COMMAND...: until the command succeeds; fails when the time is over.
await() {
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < limit)) || return 1
        sleep 0.2
    done
}
# await_telling SECONDS WHAT COMMAND...: as await; says every 10 s what it waits for.
await_telling() {
    local limit=$1 what=$2 began=$SECONDS
    shift 2
    until await 10 "$@"; do
        if ((SECONDS - began >= limit)); then
            note "gave up waiting for $what after $((SECONDS - began)) s"
            return 1
        fi
        note "  still waiting for $what ($((SECONDS - began)) of $limit s)"
    done
}

# ---- ports: the usual ones, free ones where those are taken; kept in <state>/ports
port_taken() { # is anything listening there?
    local hex
    hex=$(printf '%04X' "$1")
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v end=":$hex\$" '$4 == "0A" && $2 ~ end { found = 1 } END { exit !found }'
}
port_free() { ! port_taken "$1"; }
# Others of this stack may have been given a port and not listen yet.
port_given() { # port name
    awk -v port="$1" -v name="$2" '$2 == port && $1 != name { found = 1 } END { exit !found }' "$stack/ports" 2>/dev/null
}
port_of() { awk -v name="$1" '$1 == name { print $2 }' "$stack/ports" 2>/dev/null; }
port_choose() { # name usual; prints the port and remembers it
    local port
    port=$(port_of "$1")
    # Who was killed a moment ago may still hold it.
    if [[ -n $port ]]; then await 5 port_free "$port" || true; fi
    # STACK_PORTS=any leaves the usual ports to others: tests that stop servers want nobody in their place.
    if [[ -z $port && ${STACK_PORTS:-usual} == any ]]; then port=$((20000 + SRANDOM % 12000)); fi
    port=${port:-$2}
    while port_taken "$port" || port_given "$port" "$1"; do
        port=$((20000 + SRANDOM % 12000)) # below the range of outgoing connections
    done
    { awk -v name="$1" '$1 != name' "$stack/ports" 2>/dev/null || true; } >"$stack/ports.new"
    echo "$1 $port" >>"$stack/ports.new"
    mv "$stack/ports.new" "$stack/ports"
    echo "$port"
}

# ---- PostgreSQL refuses to run as root, so root lends it the user that Debian's package made
as_postgres() {
    if ((EUID == 0)); then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}
# Its data lies in the state folder, or, where that user cannot get in, in a folder named after it.
postgresql_folder() {
    if as_postgres test -x "$stack"; then
        echo "$stack/postgresql"
    else
        echo "/var/tmp/millrace-postgresql-$(sha256sum <<<"$stack" | cut -c1-16)"
    fi
}
# postmaster.pid outlives a kill -9, and its number may be somebody else's by now.
postgresql_find() { # data folder; prints the pid
    local pid
    pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null) || return 1
    process_started "$pid" >/dev/null &&
        tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$1" && echo "$pid"
}

# ---- services; a second instance of scoring is the process scoring.1
service_process() { if (($2 == 0)); then echo "$1"; else echo "$1.$2"; fi; } # name ordinal
service_launch() {                                                            # name ordinal usual-port [process]
    local process=${4:-$(service_process "$1" "$2")} port
    [[ -x $bin/millrace-$1 ]] || die "$bin/millrace-$1 is missing; run make first"
    port=$(port_choose "$process" "$3")
    mkdir -p "$stack/cache/$process"
    (
        close_files
        exec setsid env MILLRACE_STACK="$stack" MILLRACE_INSTANCE="$2" MILLRACE_HTTP_ADDRESS=127.0.0.1 \
            MILLRACE_HTTP_PORT="$port" MILLRACE_CACHE_DIR="$stack/cache/$process" \
            MILLRACE_SESSION_TIMEOUT_MS=10000 \
            ASAN_OPTIONS="halt_on_error=1:log_path=$stack/log/asan.$process${STACK_ASAN:+:$STACK_ASAN}" \
            UBSAN_OPTIONS="print_stacktrace=1:log_path=$stack/log/asan.$process" \
            "$root/tests/stack/supervise" "$process" "$bin/millrace-$1"
    ) >>"$stack/log/$process.log" 2>&1 </dev/null &
    process_record "$process.supervise" $!
    disown # its end is none of the calling shell's business
}
service_get() { # name path; prints the body, fails unless the status is 2xx
    curl -fsS -m 2 "http://127.0.0.1:$(port_of "$1")$2" 2>/dev/null
}
