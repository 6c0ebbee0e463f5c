# What the stages of the benchmark share: servers of their own, the measured loop, medians. Sourced,
# never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
export STACK_PORTS=any
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

pipeline=$root/schemas/pipelines/loan.json
csv=$root/tests/data/credit_data.csv
scratch=$(mktemp -d)

finish() {
    local status=$?
    on_stack down --wipe || status=1
    rm -rf "$scratch"
    exit "$status"
}
servers_up() { # name; fresh ones
    stack=$root/.cache/bench/$1
    on_stack down --wipe
    trap finish EXIT
    on_stack up --servers
    # shellcheck source=/dev/null
    source "$stack/env"
    export MILLRACE_INSTANCE=0 MILLRACE_CACHE_DIR=$stack/cache MILLRACE_SESSION_TIMEOUT_MS=10000
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
measured_loop() { timeout 300 "$root/build/bench/loop" "$@"; } # it waits for ever for what does not come
fill() { # events lines; of the present MILLRACE_PREFIX
    measured_loop fill "$1" "$2" "$pipeline"
}
# Of a line of name=value: value NAME LINE
value() { [[ " $2" =~ " $1="([^ ]+) ]] && echo "${BASH_REMATCH[1]}"; }
# The median of numbers, one a line.
median() { sort -g | awk '{ x[NR] = $1 } END { print NR % 2 ? x[(NR + 1) / 2] : (x[NR / 2] + x[NR / 2 + 1]) / 2 }'; }
