# What the stages of tree models share: XGBoost's model of 100 trees of depth 6, whose splits and leaves ours
# takes over, rows of chance, and pairs of runs whose outputs are compared first. Sourced after lib.sh and fits.sh.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
trees() { "$root/build/bench/trees" "$@"; }
trees_py() { "$python/bin/python" "$root/tests/bench/trees.py" "$@"; }
model_up() { # rows; ours and the peers' models in $scratch/model.json and model.txt
    "$root/build/bench/gbdt" draw 100000 "$scratch/training"
    "$root/build/bench/gbdt" draw "$1" "$scratch/rows"
    trees_py make 100000 "$scratch/training" "$scratch/model.json" "$scratch/model.txt"
}
# `ours` and `theirs` print a line and leave $scratch/our_out and peer_out, numbers of `width` a row; outputs may
# differ by `limit`, or are not compared where it is "-". against STAGE PEER TARGET PAIRS WIDTH LIMIT
against() {
    local pair line difference=-
    rm -f "$scratch"/{ours,peer}
    for ((pair = 1; pair <= $4; pair++)); do
        line=$(theirs)
        note "  $2 $line"
        echo "$line" >>"$scratch/peer"
        line=$(ours)
        note "  ours $line"
        echo "$line" >>"$scratch/ours"
        if [[ $6 == - ]]; then continue; fi
        difference=$(value difference "$(trees_py compare "$5" "$scratch/our_out" "$scratch/peer_out")")
        if [[ $(calculate "($difference <= $6)") != 1 ]]; then die "outputs differ from $2's by $difference"; fi
    done
    LC_ALL=C printf 'bench: stage=%s ratio=%.2f target=%s peer=%s cpu_us=%.3f peer_cpu_us=%.3f mb=%.0f peer_mb=%.0f difference=%s pairs=%d\n' \
        "$1" "$(quotient cpu_us "$scratch/peer" "$scratch/ours")" "$3" "$2" \
        "$(column cpu_us "$scratch/ours" | median)" "$(column cpu_us "$scratch/peer" | median)" \
        "$(column mb "$scratch/ours" | median)" "$(column mb "$scratch/peer" | median)" "$difference" "$4"
}
