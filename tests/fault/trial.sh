# A trial: a seeded flood goes the whole way undisturbed, then any number of times while a schedule of
# faults strikes; what is left must be the same. Who sources this sets seed, flood (events) and the
# stack's name, and calls trial_begin and then trial_storm NAME SCHEDULE for each storm.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# shellcheck source=tests/fault/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=tests/fault/faults.sh
source "$root/tests/fault/faults.sh"
scratch=$(mktemp -d)
# shellcheck source=tests/flood/lib.sh
source "$root/tests/flood/lib.sh"
stack=$root/.cache/${FAULT_STACK:-fault}

all_classes() {
    sed -n 's/^fault_\([a-z]*\)() .*/\1/p' "$root/tests/fault/faults.sh" | grep -v '^kill$'
}
trial_begin() {
    trap trial_end EXIT
    servers_wipe
    flood_make
    servers_up
    proxies_up
    services_up calm
    flood_prepare
    note "fault: $flood events, undisturbed"
    flood_send
    flood_hollow
    flood_await $((120 + flood / 500)) || die "the undisturbed run did not end"
    flood_digest >"$scratch/calm"
    flood_model >"$scratch/model"
    on_stack down --services
}
trial_end() {
    local status=$? job
    for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
    on_stack down || true
    proxy_stop kafka
    proxy_stop postgresql
    rm -rf "$scratch"
    if ((status == 0)) && [[ -z ${FAULT_KEEP:-} ]]; then servers_wipe; fi
    exit "$status"
}

# ---- the storm
# What the schedule takes, in seconds, pauses included: for the rate of the load alone.
seconds_needed() { # schedule
    awk '{ took = 8; sum += $1 / 1000 }
         $2 ~ /^(kill|backend|reset)$/ { took = 0.5 }
         $2 ~ /^(zombie|scale|clock|pause)$/ { took = 20 }
         { sum += took }
         END { print int(sum) + 10 }' "$1"
}
strike() { # number pause class target
    local began
    sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
    began=$(now_ms)
    "fault_$3" "$4" >&2 || note "  $3 $4 ended with status $?"
    echo "$1 $3 $4 $began $(now_ms)" >>"$scratch/marks"
    note "  $(date +%T) $1/$faults $3 $4"
}
strike_all() { # schedule
    local number=0 pause class target
    while read -r pause class target <&3; do
        number=$((number + 1))
        strike "$number" "$pause" "$class" "$target"
    done 3<"$1"
}
# Resident memory and open files of each service every ten seconds: "<ms> <service> <pid> <KiB> <files>".
watch_usage() {
    local name pid
    set +e # processes come and go
    while sleep 10; do
        for name in "${services[@]}"; do
            pid=$(process_find "$name") || continue
            echo "$(now_ms) $name $pid $(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")" \
                "$(find "/proc/$pid/fd" -mindepth 1 2>/dev/null | wc -l)" >>"$scratch/usage" || true
        done
    done 2>/dev/null
}
# Sets failures, lost, duplicated, digest, faults; leaves marks, recovery and usage in the report.
trial_storm() { # name schedule
    local seconds door watcher
    report=$root/build/fault/$(basename "$stack")/$1 # outlives the stack
    failures=()
    faults=$(wc -l <"$2")
    seconds=${LOAD_SECONDS:-$(seconds_needed "$2")}
    : >"$scratch/marks"
    : >"$scratch/usage"
    services_up "$1"
    flood_prepare
    [[ $(flood_model) == "$(cat "$scratch/model")" ]] || failures+=("the same rows made another model")
    note "fault: $1: $flood events at $((flood / seconds)) a second, $faults faults of seed $seed"
    watch_usage &
    watcher=$!
    flood_send --rate $((flood / seconds + 1)) &
    door=$!
    flood_hollow
    strike_all "$2"
    wait "$door" || failures+=("the load's producer failed")
    note "fault: $1: all is sent; waiting for the end"
    flood_await "${TRIAL_PATIENCE_S:-240}" || failures+=("it did not come to its end")
    await 90 flood_conserved || failures+=("the stages' counts do not add up")
    kill "$watcher" || true
    judge
    recovery >"$scratch/recovery" || failures+=("recovery could not be measured")
    proxy kafka count
    proxy postgresql count
    mkdir -p "$report"
    cp "$2" "$scratch"/{marks,recovery,usage,calm,storm,difference} "$report"
    on_stack down --services
}

# ---- the judgement
# Decisions that are missing or there twice, in the topic and in the table.
count_decisions() {
    read_topic decisions '%h\n' | sed -n 's/.*ce_id=\(e-[^,]*\).*/\1/p' | LC_ALL=C sort -S 1G >"$scratch/ids"
    local records distinct rows distinct_rows
    records=$(wc -l <"$scratch/ids") distinct=$(LC_ALL=C uniq "$scratch/ids" | wc -l)
    read -r rows distinct_rows < <(psql -qAtX -F ' ' -c "SELECT count(*), count(DISTINCT event_id)
        FROM decision.loan WHERE event_id LIKE 'e-$seed-%'")
    lost=$((good - distinct + good - distinct_rows))
    duplicated=$((records - distinct + rows - distinct_rows))
    ((lost == 0)) || failures+=("$lost decisions lost")
    ((duplicated == 0)) || failures+=("$duplicated decisions doubled")
}
judge() {
    local refused gaps
    count_decisions
    flood_digest >"$scratch/storm"
    digest=equal
    if ! diff "$scratch/calm" "$scratch/storm" >"$scratch/difference"; then
        digest=different
        failures+=("tables or topics differ: $(tr '\n' ';' <"$scratch/difference")")
    fi
    [[ $(flood_reasons) == "$reasons" ]] ||
        failures+=("dead letters: $(flood_reasons | xargs) instead of $(xargs <<<"$reasons")")
    # Rows that came twice are refused by the primary key and end there.
    refused=$(rows ops.refused)
    ((refused == 0)) ||
        failures+=("$refused rows refused: SQLSTATE $(sql 'SELECT DISTINCT sqlstate FROM ops.refused' | xargs)")
    gaps=$(cat "$stack"/log/*.log | grep -c "\"records are missing before.*\"${MILLRACE_PREFIX}[.]" || true)
    ((gaps == 0)) || failures+=("$gaps gaps were reported; see $stack/log")
    if compgen -G "$stack/log/asan.*" >/dev/null; then
        failures+=("the sanitizers report something in $stack/log")
    fi
}
# Recovery: from the end of a fault until an event that was sent after it is decided in the table, in
# every partition; while another fault strikes, the clock stands still. Prints "<n> <class> <target>
# <seconds>"; a fault after the last event has none.
recovery() {
    read_topic events '%T\t%h\n' | sed -n 's/^\([0-9]*\)\t.*ce_id=\(e-[^,]*\).*/\1\t\2/p' >"$scratch/sent"
    psql -qAtX -F ' ' -v ON_ERROR_STOP=1 <<SQL
CREATE TEMP TABLE sent (ms bigint, event_id text);
\copy sent FROM '$scratch/sent'
CREATE TEMP TABLE mark (n int, class text, target text, began bigint, ended bigint);
\copy mark FROM '$scratch/marks' (DELIMITER ' ')
CREATE TEMP TABLE decided AS
    SELECT kafka_partition AS p, s.ms, extract(epoch FROM pg_xact_commit_timestamp(d.xmin)) * 1000 AS done
    FROM decision.loan AS d JOIN (SELECT event_id, min(ms) AS ms FROM sent GROUP BY 1) AS s USING (event_id);
CREATE INDEX ON decided (p, ms);
WITH recovered AS (
    SELECT n, class, target, ended, max(first.done) AS done
    FROM mark CROSS JOIN (SELECT DISTINCT p FROM decided) AS partitions
    CROSS JOIN LATERAL (SELECT done FROM decided WHERE p = partitions.p AND ms >= ended ORDER BY ms LIMIT 1) AS first
    GROUP BY n, class, target, ended)
SELECT n, class, target, round(((done - ended - (
        SELECT coalesce(sum(greatest(least(m.ended, done) - greatest(m.began, r.ended), 0)), 0)
        FROM mark AS m WHERE m.n <> r.n)) / 1000)::numeric, 2)
FROM recovered AS r ORDER BY n;
SQL
}
recovery_report() { # of the last storm, by class: runs, median, 99th percentile, longest
    LC_ALL=C sort -k 2,2 -k 4,4n "$report/recovery" | awk '
        function flush_class() {
            if (n) printf "  %-12s %4d %8.2f %8.2f %8.2f\n", class, n, of[int((n + 1) / 2)], of[int(n * 0.99 + 0.99)], of[n]
        }
        BEGIN { printf "  %-12s %4s %8s %8s %8s\n", "fault", "runs", "p50_s", "p99_s", "max_s" }
        $2 != class { flush_class(); class = $2; n = 0 }
        { of[++n] = $4 }
        END { flush_class() }'
}
recovery_at() { # share, such as 0.99
    LC_ALL=C sort -k 4,4n "$report/recovery" |
        awk -v share="$1" '{ of[NR] = $4 } END { print NR ? of[int(NR * share + 0.999999)] : "-" }'
}
