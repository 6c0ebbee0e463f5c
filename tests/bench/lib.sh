# What the stages of the benchmark share: servers of their own, the measured programs, medians, pairs.
# Sourced, never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
export STACK_PORTS=any
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

pipeline=$root/schemas/pipelines/loan.json
csv=$root/tests/data/credit_data.csv
scratch=$(mktemp -d)
model='' # the file of the model that scoring's loop finds

finish() {
    local status=$?
    on_stack down --wipe || status=1
    rm -rf "$scratch"
    exit "$status"
}
servers_up() { # name; fresh ones, whatever was up before
    stack=$root/.cache/bench/$1
    unset PGHOST PGPORT PGUSER PGDATABASE MILLRACE_KAFKA_BOOTSTRAP_SERVERS
    on_stack down --wipe
    trap finish EXIT
    on_stack up --servers
    # shellcheck source=/dev/null
    source "$stack/env"
}
# Services on top of them that have decided the real applications by a model fitted to those.
fitted_up() {
    local events
    events=$(($(wc -l <"$csv") - 1))
    stack_up
    millrace pipeline apply "$pipeline" -q >/dev/null
    millrace ingest "$csv" -p loan -q >/dev/null
    await_count 120 "$events" "feature rows" rows feature.loan
    await_count 60 "$events" "outcome rows" rows label.loan
    millrace train -p loan --wait -q >/dev/null
    millrace models promote -p loan 1 -q >/dev/null
    await_count 120 "$events" decisions topic_count decisions
    await_count 60 "$events" "decision rows" rows decision.loan
    model=$(echo "$stack"/cache/scoring/*.model)
}
# A program of build/bench with the settings of a service, ended after a while: some wait for ever for
# what does not come.
program() { # name [argument...]
    MILLRACE_INSTANCE=0 MILLRACE_CACHE_DIR=$(dirname "${model:-$stack/cache/.}") \
        MILLRACE_SESSION_TIMEOUT_MS=10000 timeout 300 "$root/build/bench/$1" "${@:2}"
}
# Topics and pipeline under the present MILLRACE_PREFIX, and the model if there is one.
fill() { # [raw EVENTS FILE]
    program fill "$pipeline" "$@"
    if [[ -n $model ]]; then program fill "$pipeline" model "$(basename "$model" .model)"; fi
}
# The real loan applications as ingestion writes them, without their outcomes: a line of JSON each, keys
# being the pipeline's names of the CSV's columns.
loan_records() {
    awk -F , 'NR == FNR { name[$1] = $2; next }
        FNR == 1 { for (i = 1; i <= NF; i++) { gsub(/"/, "", $i); key[i] = name[$i] }; next }
        {
            line = ""
            for (i = 2; i <= NF; i++) if ($i != "") line = line (line == "" ? "" : ",") "\"" key[i] "\":" $i
            print "{" line "}"
        }' <(sed -nE 's/.*"name": "([a-z_]+)", "from": "([A-Za-z]+)".*/\2,\1/p' "$pipeline") "$csv"
}

# ---- figures
# Of a line of name=value: value NAME LINE
value() { [[ " $2" =~ " $1="([^ ]+) ]] && echo "${BASH_REMATCH[1]}"; }
# A name's values in a file of such lines: column NAME FILE
column() {
    local line
    while read -r line; do value "$1" "$line"; done <"$2"
}
# The median of numbers, one a line.
median() { sort -g | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'; }
calculate() { LC_ALL=C awk "BEGIN { print $1 }"; } # expression
# The median of a column's quotients, line by line, so that a slow minute strikes both sides of a pair.
quotient() { # name dividends divisors
    paste <(column "$1" "$2") <(column "$1" "$3") | awk '$2 > 0 { print $1 / $2 }' | median
}
# The medians of two files of runs, ours and a peer's, as the end of a bench line.
compared() { # ours peer events
    LC_ALL=C printf 'events_per_s=%.0f peer_events_per_s=%.0f cpu_us=%.2f peer_cpu_us=%.2f cpu_ratio=%.3f pairs=%d' \
        "$(calculate "$3 / $(column seconds "$1" | median)")" \
        "$(calculate "$3 / $(column seconds "$2" | median)")" \
        "$(calculate "$(column cpu_seconds "$1" | median) * 1e6 / $3")" \
        "$(calculate "$(column cpu_seconds "$2" | median) * 1e6 / $3")" \
        "$(quotient cpu_seconds "$2" "$1")" "$(wc -l <"$1")"
}

# ---- a service's loop against the floor. The input of both is made once, under the prefix "prep"; the
# floor copies it to where the loop then reads it, so both read the same bytes.
way=(ingestion events cleaning raw features clean scoring features)
make_input() { # service events
    local i
    local -x MILLRACE_BATCH_MS=10s MILLRACE_BATCH_ROWS=10000
    export MILLRACE_PREFIX=prep
    if [[ $1 == ingestion ]]; then
        fill
        note "  $(program load --send "$2" "$pipeline" "$csv")"
        return
    fi
    loan_records >"$scratch/records"
    fill raw "$2" "$scratch/records"
    for ((i = 2; i < ${#way[@]}; i += 2)); do
        if [[ ${way[i]} == "$1" ]]; then break; fi
        note "  $(program loop run "${way[i]}" exactly-once "$2")"
    done
}
read_by() { # service; prints the stage
    local i
    for ((i = 0; i < ${#way[@]}; i += 2)); do
        if [[ ${way[i]} == "$1" ]]; then echo "${way[i + 1]}"; fi
    done
}
# How many events a transaction may have: a number, for which is waited, or the product's defaults.
bound_batches() { # events|default
    if [[ $1 == default ]]; then
        unset MILLRACE_BATCH_ROWS MILLRACE_BATCH_MS
    else
        export MILLRACE_BATCH_ROWS=$1 MILLRACE_BATCH_MS=10s
    fi
}
against_floor() { # service target; needs servers, for scoring a model, too
    local events=${EVENTS:-200000} pairs=${PAIRS:-5} batch pair line input
    input=$(read_by "$1")
    make_input "$1" "$events"
    rm -f "$scratch/digests"
    for batch in ${BATCHES:-1000 10000 default}; do
        bound_batches "$batch"
        rm -f "$scratch"/{ours,peer}
        for ((pair = 1; pair <= pairs; pair++)); do
            export MILLRACE_PREFIX=b$batch-p$pair
            fill
            line=$(program floor "prep.loan.$input" "$MILLRACE_PREFIX.loan.$input" "$events")
            note "  batch=$batch $line"
            echo "$line" >>"$scratch/peer"
            line=$(program loop run "$1" exactly-once "$events")
            note "  batch=$batch $line"
            echo "$line" >>"$scratch/ours"
            if [[ $(value outputs "$line") != "$events" ]]; then die "outputs are missing: $line"; fi
            value digest "$line" >>"$scratch/digests"
        done
        LC_ALL=C printf 'bench: stage=%s ratio=%.3f target=%s peer=floor %s batch=%s\n' "$1" \
            "$(quotient seconds "$scratch/peer" "$scratch/ours")" "$2" \
            "$(compared "$scratch/ours" "$scratch/peer" "$events")" "$batch"
    done
    if (($(sort -u "$scratch/digests" | wc -l) != 1)); then die "the outputs differ between runs"; fi
}

# ---- processor time of what the stack runs, by /proc; children that ended are counted with their parent
cpu_of() { # pid...
    local pid stat field ticks=0
    for pid in "$@"; do
        stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
        read -ra field <<<"${stat##*) }"
        ticks=$((ticks + field[11] + field[12] + field[13] + field[14]))
    done
    calculate "$ticks / $(getconf CLK_TCK)"
}
cpu_of_postgresql() {
    local pid
    pid=$(postgresql_find "$(postgresql_folder)")
    # shellcheck disable=SC2046
    cpu_of "$pid" $(pgrep -P "$pid")
}

# ---- rows into PostgreSQL, by the product's sink and by psql; a run appends a line to a file
sink_up() { # events: that many in P.features under the prefix "prep", and empty tables
    make_input scoring "$1"
    millrace db migrate >&2
    millrace pipeline apply "$pipeline" -q >&2
    sql "CREATE TABLE bench_loan (LIKE feature.loan INCLUDING ALL)"
}
sink_rows() { # events file; P.features to the table feature.loan
    local before line
    sql "TRUNCATE feature.loan; DELETE FROM ops.positions"
    sql CHECKPOINT
    before=$(cpu_of_postgresql)
    line=$(program loop sink features "$1")
    note "  $line"
    printf 'seconds=%s cpu_seconds=%s\n' "$(value seconds "$line")" \
        "$(calculate "$(cpu_of_postgresql) - $before + $(value cpu_seconds "$line")")" >>"$2"
}
copy_rows() { # file; what feature.loan holds from a file in binary format to the table bench_loan
    local before began TIMEFORMAT='%U + %S'
    if [[ ! -e $scratch/rows ]]; then
        psql -qX -v ON_ERROR_STOP=1 -c "\\copy feature.loan TO '$scratch/rows' (FORMAT binary)"
    fi
    sql "TRUNCATE bench_loan"
    sql CHECKPOINT
    before=$(cpu_of_postgresql)
    began=$EPOCHREALTIME
    {
        time psql -qX -v ON_ERROR_STOP=1 -c "\\copy bench_loan FROM '$scratch/rows' (FORMAT binary)"
    } 2>"$scratch/times" || die "$(<"$scratch/times")"
    printf 'seconds=%s cpu_seconds=%s\n' "$(calculate "$EPOCHREALTIME - $began")" \
        "$(calculate "$(cpu_of_postgresql) - $before + $(tail -n 1 "$scratch/times")")" >>"$1"
    note "  psql $(tail -n 1 "$1")"
}
