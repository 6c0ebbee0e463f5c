# What the tests of images and manifests share: container tools with a storage and a configuration of
# their own below .cache/k8s, the renderer, the Python environment. Sourced, never run.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

place=$root/.cache/k8s
overlays=(dev production lane)
components=(keda monitoring strimzi)

failed=0
statement() { # status sentence
    if (($1 == 0)); then
        echo "ok - $2"
    else
        echo "not ok - $2"
        failed=1
    fi
}
# holds SENTENCE COMMAND...
holds() {
    local status=0
    "${@:2}" >&2 || status=1
    statement "$status" "$1"
}
# needs SENTENCE COMMAND...: as holds, where nothing that follows can work without.
needs() {
    local before=$failed
    failed=0
    holds "$@"
    ((failed == 0)) || die "nothing further was tried"
    failed=$before
}

# A machine in a machine may not raise limits, has no systemd, and crun from Debian does not know its
# control groups: runc does.
use_containers() {
    ((EUID == 0)) || die "run it as root: pods get users of their own and the machine's network"
    mkdir -p "$place"
    cat >"$place/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$place/engine"
CONF
    cat >"$place/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$place/storage"
runroot = "$place/run"
CONF
    export CONTAINERS_CONF=$place/containers.conf CONTAINERS_STORAGE_CONF=$place/storage.conf
}

# The tools in Python that validate, of the versions that requirements.txt names.
use_python() {
    local wanted=$root/tests/k8s/requirements.txt
    if ! cmp -s "$wanted" "$place/python/.requirements"; then
        note "k8s: making a Python environment"
        rm -rf "$place/python"
        python3 -m venv "$place/python"
        "$place/python/bin/pip" install -q -r "$wanted" >&2
        cp "$wanted" "$place/python/.requirements"
    fi
    python=$place/python/bin/python
}

render() { # folder
    if command -v kubectl >/dev/null; then
        kubectl kustomize "$1"
    else
        kustomize build "$1"
    fi
}
version=$(sed -n 's/^VERSION := //p' "$root/Makefile")
image() { echo "localhost/millrace/$1:$version"; } # service
