# What the stages that fit a learner beside its peers share: programs, pairs, the line. Sourced after lib.sh.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
python=$root/.cache/bench/python
peers=$root/tests/bench/fits.py
extra='' # at the end of a line
trap 'rm -rf "$scratch"' EXIT

install_peers() {
    [[ -x $python/bin/python ]] || python3 -m venv "$python"
    "$python/bin/python" -c 'import lightgbm, sklearn, xgboost' 2>/dev/null ||
        "$python/bin/pip" install -q numpy scipy scikit-learn xgboost-cpu lightgbm >&2
}
fits() { OPENBLAS_NUM_THREADS=1 "$root/build/bench/fits" "$@"; }
py() { "$python/bin/python" "$peers" "$@"; }

# Pairs of fits that print a line each, and a check of what came out of both: `ours THREADS` and
# `theirs THREADS` fit and leave $scratch/scores, `rate` turns that into name=value, `agree OURS THEIRS` says
# whether the two values will do. compare STAGE PEER THREADS TARGET PAIRS; the ratio is of processor time.
compare() {
    local pair line ours_said peer_said
    rm -f "$scratch"/{ours,peer}
    for ((pair = 1; pair <= $5; pair++)); do
        line=$(theirs "$3")
        peer_said=$(rate)
        note "  $2 threads=$3 $line $peer_said"
        echo "$line" >>"$scratch/peer"
        line=$(ours "$3")
        ours_said=$(rate)
        note "  ours threads=$3 $line $ours_said"
        echo "$line" >>"$scratch/ours"
        agree "${ours_said#*=}" "${peer_said#*=}" || die "$ours_said, $2 has $peer_said"
    done
    LC_ALL=C printf 'bench: stage=%s ratio=%.3f target=%s peer=%s threads=%d cpu_seconds=%.3f peer_cpu_seconds=%.3f seconds_ratio=%.3f mb=%.0f peer_mb=%.0f fit_mb=%.0f peer_fit_mb=%.0f %s peer_%s pairs=%d%s\n' \
        "$1" "$(quotient cpu_seconds "$scratch/peer" "$scratch/ours")" "$4" "$2" "$3" \
        "$(column cpu_seconds "$scratch/ours" | median)" "$(column cpu_seconds "$scratch/peer" | median)" \
        "$(quotient seconds "$scratch/peer" "$scratch/ours")" "$(column mb "$scratch/ours" | median)" \
        "$(column mb "$scratch/peer" | median)" "$(column fit_mb "$scratch/ours" | median)" \
        "$(column fit_mb "$scratch/peer" | median)" "$ours_said" "$peer_said" "$5" "$extra"
}
