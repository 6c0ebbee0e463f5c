# What the demo and the end-to-end tests share. Sourced, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# shellcheck source=tests/stack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/stack/lib.sh"

# A script of tests/stack for the stack in $stack, with the programs in $bin.
on_stack() { MILLRACE_STACK=$stack MILLRACE_BIN=$bin "$root/tests/stack/$1" "${@:2}"; }
stack_up() {
    on_stack up
    # shellcheck source=/dev/null
    source "$stack/env"
}
millrace() { "$bin/millrace" "$@"; }
sql() { psql -qAtX -v ON_ERROR_STOP=1 -c "$1"; }

# Every committed record of a stage's topic: read_topic STAGE FORMAT [kcat option...]
read_topic() {
    kcat -C -q -e -o beginning -b "$MILLRACE_KAFKA_BOOTSTRAP_SERVERS" -X isolation.level=read_committed \
        -t "$MILLRACE_PREFIX.loan.$1" -f "$2" "${@:3}"
}
topic_count() { read_topic "$1" '%o\n' | wc -l; } # stage

# await_count SECONDS EXPECTED WHAT COMMAND...: until the command prints that number at least; tells how
# far it is every 5 s. Long commands are asked less often, so that they do not slow what they wait for.
await_count() {
    local limit=$((SECONDS + $1)) told=$SECONDS count=0 asked
    local expected=$2 what=$3
    shift 3
    while asked=$SECONDS && count=$("$@") && ((count < expected)); do
        if ((SECONDS >= limit)); then
            note "gave up waiting: $count of $expected $what"
            return 1
        fi
        if ((SECONDS - told >= 5)); then
            note "  $count of $expected $what"
            told=$SECONDS
        fi
        sleep "$((SECONDS - asked > 3 ? 10 : 0)).5"
    done
}
rows() { sql "SELECT count(*) FROM $1"; } # table [WHERE ...]
