#!/bin/bash
# Makes the golden values of tests/unit/test_digest.c: murmur2 by Kafka's own Java client, SHA-256
# by coreutils. Usage: make.sh CLASSPATH, that of the jars kafka-clients and slf4j-api.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
jars=$(tr : "\n" <<<"$1" | xargs realpath -s | paste -sd:)
cd "$(dirname "$0")"
java -cp "$jars" Murmur2.java 2>/dev/null > murmur2.inc
for text in '' abc '42:customer-1' '0:' '18446744073709551615:customer-1'; do
    printf '{ "%s", "%s" },\n' "$text" "$(printf '%s' "$text" | sha256sum | cut -d' ' -f1)"
done > sha256.inc
