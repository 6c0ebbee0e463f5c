/* replay: gives each named file to a fuzz target, without libFuzzer, for builds that clang does not
 * make. replay FILE... SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak)); /* not every target's */

int
main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        static uint8_t data[1 << 22];
        FILE *file = fopen(argv[i], "re");
        if (file == NULL) {
            fprintf(stderr, "cannot open %s\n", argv[i]);
            return EXIT_FAILURE;
        }
        size_t length = fread(data, 1, sizeof(data), file);
        fclose(file);
        LLVMFuzzerTestOneInput(data, length);
    }
    return EXIT_SUCCESS;
}
