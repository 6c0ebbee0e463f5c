#!/bin/bash
# Prints build/gen/registry.c: tables of the rules, steps, encoders, models, optimisers and searches, from
# the file names.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "$0")"
echo '/* made by shared/registry.sh */'
echo '#include <string.h>'
printf '#include "%s"\n' clean/rule.h feature/step.h encode/encoder.h model/model.h \
    optimise/optimiser.h tune/search.h
table() { # folder noun
    local names file
    names=$(for file in "$1"/*.c; do [ -e "$file" ] && basename "$file" .c; done | LC_ALL=C sort)
    for file in $names; do echo "extern const struct $2_type $2_$file;"; done
    echo "const struct $2_type *const $2_types[] = {"
    for file in $names; do echo "    &$2_$file,"; done
    echo '    NULL,'
    echo '};'
}
find_in() { # noun
    cat <<C
const struct $1_type *
$1_find(const char *name)
{
    for (size_t i = 0; $1_types[i] != NULL; i++)
        if (strcmp($1_types[i]->name, name) == 0)
            return $1_types[i];
    return NULL;
}
C
}
table clean rule
table feature step
table encode encoder
find_in encoder
table model model
find_in model
table optimise optimiser
find_in optimiser
table tune search
find_in search
