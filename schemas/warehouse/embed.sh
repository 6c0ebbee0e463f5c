#!/bin/bash
# Prints build/gen/migrations.c: the SQL files of this folder as strings.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
export LC_ALL=C # the order of the files
cd "$(dirname "$0")"
echo '/* made by schemas/warehouse/embed.sh */'
echo '#include "migrations.h"'
echo 'const struct migration migrations[] = {'
as_string() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/      "/' -e 's/$/\\n"/' "$1"; }
for file in V*.sql; do
    printf '    { "%s",\n' "$file"
    as_string "$file"
    echo '    },'
done
echo '    { 0 },'
echo '};'
echo 'const char warehouse_grants[] ='
as_string grants.sql
echo ';'
