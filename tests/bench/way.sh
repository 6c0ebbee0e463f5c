# What the stages share that measure a whole stack: events sent at a rate, what became of each, and what
# every process of it needed. Sourced, never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck source=tests/bench/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
measured_s=${MEASURED_S:-20} warmup_s=${WARMUP_S:-5}
instances=1 # of each service that events pass
seed=0

# With this each row tells when its transaction was committed, and nobody has to ask meanwhile.
commit_timestamps() {
    sql "ALTER SYSTEM SET track_commit_timestamp = on"
    on_stack down --postgresql
}
pids_of() { # service; of all its instances
    local i
    for ((i = 0; i < instances; i++)); do process_find "$(service_process "$1" "$i")" || true; done
}
cpu_now() { # a line name=seconds of everything that runs
    local name line
    line="kafka=$(cpu_of "$(process_find kafka)") postgresql=$(cpu_of_postgresql)"
    # shellcheck disable=SC2046
    for name in "${services[@]}"; do line+=" $name=$(cpu_of $(pids_of "$name"))"; done
    echo "$line"
}
cpus=(kafka postgresql "${services[@]}" load)
cpus=("${cpus[@]/#/cpu_}")
cpus=("${cpus[@]/%/_us}")
rows_of() { rows "decision.loan WHERE event_id LIKE 'draw-$1-%'"; } # seed
# Rows a second until the last one is there, and the percentiles of those due in the measured seconds.
rows_line() { # seed
    sql "WITH r AS (SELECT event_time, pg_xact_commit_timestamp(xmin) AS kept FROM decision.loan
                    WHERE event_id LIKE 'draw-$1-%'),
              began AS (SELECT min(event_time) AS at FROM r)
         SELECT format('rows_per_s=%s row_p50_ms=%s row_p99_ms=%s row_max_ms=%s',
                    round(count(*) / extract(epoch FROM max(kept) - min(event_time))),
                    round(1000 * percentile_disc(0.5) WITHIN GROUP (ORDER BY latency) FILTER (WHERE due)),
                    round(1000 * percentile_disc(0.99) WITHIN GROUP (ORDER BY latency) FILTER (WHERE due)),
                    round(1000 * max(latency) FILTER (WHERE due)))
         FROM (SELECT r.*, extract(epoch FROM kept - event_time) AS latency,
                   event_time - at BETWEEN $warmup_s * interval '1 s'
                       AND ($warmup_s + $measured_s) * interval '1 s' AS due FROM r, began) AS t"
}
run_way() { # file [option...]; appends a line to the file
    local file=$1 line before after name decided cpu='' TIMEFORMAT='%U + %S'
    shift
    seed=$((seed + 1))
    before=$(cpu_now)
    {
        time program load "$@" --seconds "$measured_s" --warmup "$warmup_s" --seed "$seed" \
            "$pipeline" "$csv" >"$scratch/load" 2>"$scratch/complaints"
    } 2>"$scratch/times" || die "$(cat "$scratch/complaints" "$scratch/load")"
    line=$(<"$scratch/load")
    decided=$(value decided "$line")
    await_count 60 "$decided" "decision rows" rows_of "$seed"
    after=$(cpu_now)
    for name in kafka postgresql "${services[@]}"; do
        cpu+=" cpu_${name}_us=$(calculate "int(($(value "$name" "$after") - $(value "$name" "$before")) * 1e7 / $decided) / 10")"
    done
    cpu+=" cpu_load_us=$(calculate "int(($(tail -n 1 "$scratch/times")) * 1e7 / $decided) / 10")"
    line+=" $(rows_line "$seed")$cpu"
    note "  $line"
    echo "$line" >>"$file"
}
medians() { # file name...
    local name
    for name in "${@:2}"; do printf ' %s=%s' "$name" "$(column "$name" "$1" | median)"; done
}
