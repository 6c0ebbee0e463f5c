# Pods under podman, as tests/k8s/pods.py wrote them: started, asked, killed, replaced. Needs use_containers
# of lib.sh. Sourced, never run. SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154

pods=$place/pods
stop_pods() {
    podman pod rm -af >/dev/null 2>&1 || true
    podman volume prune -f >/dev/null 2>&1 || true
}
play() { # name of a file; of which version (that of the Makefile)
    local file=$pods/now.$1
    sed "s/:$version\$/:${2:-$version}/" "$pods/$1.yaml" >"$file"
    podman kube play "$file" >/dev/null
}
keep_log() { podman logs "$1-service" >>"$stack/log/$1.log" 2>&1 || true; } # pod

# A step of a Job, tried again as a Job would be. Prints what it printed.
step() { # job.number-name
    local try status pod=${1/./-}
    for try in 1 2 3 4 5 6 7 8; do
        if ! play "$1"; then
            sleep 2
            continue
        fi
        status=$(podman wait "$pod-${pod#*-*-}")
        podman logs "$pod-${pod#*-*-}" 2>&1
        podman pod rm -f "$pod" >/dev/null
        if [[ $status == 0 ]]; then return; fi
        note "  step $1 ended with status $status (attempt $try of 8)"
        sleep 2
    done
    return 1
}

# ---- pods of services
started() { service_get "$1" /startupz >/dev/null; }
ready() { service_get "$1" /readyz >/dev/null; }
all_are() { # ready|started pod...
    local pod
    for pod in "${@:2}"; do "$1" "$pod" || return 1; done
}
process_of() { podman inspect --format '{{.State.Pid}}' "$1-service" 2>/dev/null; }
another_runs() { # pod pid
    local now
    now=$(process_of "$1") && ((now != 0 && now != $2)) && started "$1"
}
# As the kernel does when a container is out of memory: nobody is told beforehand.
kill_container() { # pod
    local pid
    pid=$(process_of "$1") && ((pid > 1)) || return 1
    kill -9 "$pid"
    note "  killed $1 ($pid)"
    await_telling 60 "$1" another_runs "$1" "$pid"
}
# Asked to stop, as a kubelet asks, and gone within the 45 s that a pod has.
stop_pod() { # pod
    local began=$SECONDS last
    podman pod stop -t 45 "$1" >/dev/null
    last=$(podman logs "$1-service" 2>&1 | tail -n 1)
    keep_log "$1"
    podman pod rm -f "$1" >/dev/null
    podman volume rm -f "$1-cache" >/dev/null 2>&1 || true
    note "  $1 stopped in $((SECONDS - began)) s"
    [[ $last == *'"msg":"stopped"'* ]] || { note "  $1 was killed; its last line: $last"; return 1; }
}
# Puts another word in the place of one in a file of a volume of pods that run, as a kubelet does with a Secret
# that changed, and in those of pods to come.
change_secret() { # service volume file old new
    local folder
    folder=$(podman volume inspect --format '{{.Mountpoint}}' "$1-$2")
    sed "s/$4\$/$5/" "$folder/$3" >"$place/changed"
    ! cmp -s "$place/changed" "$folder/$3" || return 1
    cat "$place/changed" >"$folder/$3"
    sed -i "s/$4\b/$5/" "$pods/$1"-[0-9].yaml
}
# As a StatefulSet rolls: stopped, then the other version in its place.
replace() { # pod version
    stop_pod "$1" && play "$1" "$2" && await_telling 120 "$1" ready "$1"
}
counted() { # pod metric: the sum over its labels
    service_get "$1" /metrics | awk -v name="$2" '{ sub(/\{.*/, "", $1) } $1 == name { sum += $NF } END { print sum + 0 }'
}
write_memory() { # file pod...
    local pod
    for pod in "${@:2}"; do echo "${pod%-*} $(counted "$pod" process_resident_memory_bytes)"; done >"$1"
}
