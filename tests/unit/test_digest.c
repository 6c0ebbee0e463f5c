/* Golden values: tests/data/digest/make.sh.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check_main.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "digest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *key_hex;
    uint32_t hash;
} murmur2_golden[] = {
#include "../data/digest/murmur2.inc"
};

static const struct {
    const char *text, *hex;
} sha256_golden[] = {
#include "../data/digest/sha256.inc"
};

static struct bytes
from_hex(const char *hex, uint8_t *out)
{
    size_t length = strlen(hex) / 2;
    for (size_t i = 0; i < length; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return (struct bytes){out, length};
}

START_TEST(murmur2_is_that_of_the_java_client)
{
    for (size_t i = 0; i < COUNT(murmur2_golden); i++) {
        uint8_t key[64];
        ck_assert_uint_eq(murmur2(from_hex(murmur2_golden[i].key_hex, key)),
                          murmur2_golden[i].hash);
    }
}
END_TEST

START_TEST(no_key_hashes_like_an_empty_one)
{
    ck_assert_uint_eq(murmur2(BYTES_NONE), murmur2(bytes_of("")));
}
END_TEST

START_TEST(a_partition_is_the_hash_without_its_sign_bit)
{
    for (size_t i = 0; i < COUNT(murmur2_golden); i++) {
        uint8_t key[64];
        struct bytes bytes = from_hex(murmur2_golden[i].key_hex, key);
        uint32_t positive = murmur2_golden[i].hash & 0x7fffffff;
        for (int32_t partitions = 1; partitions < 20; partitions++)
            ck_assert_int_eq(murmur2_partition(bytes, partitions),
                             (int32_t)(positive % (uint32_t)partitions));
    }
}
END_TEST

START_TEST(sha256_is_that_of_coreutils)
{
    for (size_t i = 0; i < COUNT(sha256_golden); i++) {
        char hex[DIGEST_HEX];
        digest_hex(bytes_of(sha256_golden[i].text), hex);
        ck_assert_str_eq(hex, sha256_golden[i].hex);
    }
}
END_TEST

START_TEST(bytes_that_come_piece_by_piece_have_the_digest_of_all)
{
    for (size_t i = 0; i < COUNT(sha256_golden); i++) {
        struct digest *digest = digest_begin();
        char hex[DIGEST_HEX];
        for (const char *at = sha256_golden[i].text; *at != '\0'; at++)
            digest_add(digest, (struct bytes){(const uint8_t *)at, 1});
        digest_add(digest, BYTES_NONE);
        digest_end(&digest, hex);
        ck_assert_ptr_null(digest);
        ck_assert_str_eq(hex, sha256_golden[i].hex);
    }
    struct digest *digest = digest_begin();
    digest_forget(&digest);
    digest_forget(&digest);
}
END_TEST

START_TEST(no_bytes_have_the_digest_of_empty_ones)
{
    uint8_t none[32], empty[32];
    digest_sha256(BYTES_NONE, none);
    digest_sha256(bytes_of(""), empty);
    ck_assert_mem_eq(none, empty, sizeof(none));
}
END_TEST

START_TEST(a_seeded_digest_begins_that_of_seed_colon_bytes)
{
    uint8_t digest[32];
    from_hex("ffec2e1c59b5a8a8", digest);
    uint64_t expected = 0;
    for (size_t i = 0; i < 8; i++)
        expected = expected << 8 | digest[i];
    ck_assert_str_eq(sha256_golden[2].text, "42:customer-1");
    ck_assert_uint_eq(digest_seeded(42, bytes_of("customer-1")), expected);
    ck_assert_uint_eq(digest_seeded(0, BYTES_NONE), UINT64_C(0xba768b331fd86cec));
    ck_assert_uint_eq(digest_seeded(UINT64_MAX, bytes_of("customer-1")),
                      UINT64_C(0xf5b57440e561aa48));
}
END_TEST

START_TEST(a_file_has_the_digest_of_its_bytes)
{
    char path[] = "/tmp/millrace-digest-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    size_t length = 100003;
    char *content = malloc(length);
    for (size_t i = 0; i < length; i++)
        content[i] = (char)(i * 31);
    ck_assert_int_eq(write(fd, content, length), (ssize_t)length);
    close(fd);

    struct error err = {0};
    char of_file[DIGEST_HEX], of_bytes[DIGEST_HEX];
    int result = digest_file_hex(path, of_file, &err);
    unlink(path);
    ck_ok(result, err);
    digest_hex((struct bytes){(const uint8_t *)content, length}, of_bytes);
    free(content);
    ck_assert_str_eq(of_file, of_bytes);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_input_error)
{
    struct error err = {0};
    char hex[DIGEST_HEX] = "untouched";
    ck_assert_int_eq(digest_file_hex("/nowhere/model", hex, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "/nowhere/model"));
    ck_assert_str_eq(hex, "untouched");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_an_input_error)
{
    struct error err = {0};
    char hex[DIGEST_HEX];
    ck_assert_int_eq(digest_file_hex("/tmp", hex, &err), -1);
    ck_assert_int_eq(err.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.message, "cannot read /tmp"));
}
END_TEST

RUN_TESTS("digest", murmur2_is_that_of_the_java_client, no_key_hashes_like_an_empty_one,
          a_partition_is_the_hash_without_its_sign_bit, sha256_is_that_of_coreutils,
          bytes_that_come_piece_by_piece_have_the_digest_of_all,
          no_bytes_have_the_digest_of_empty_ones, a_seeded_digest_begins_that_of_seed_colon_bytes,
          a_file_has_the_digest_of_its_bytes, a_file_that_is_not_there_is_an_input_error,
          a_file_that_cannot_be_read_is_an_input_error)
