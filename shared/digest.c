/* digest: SHA-256 by OpenSSL, MurmurHash2 by hand (Austin Appleby's public domain algorithm, with
 * the seed and the byte order of Kafka's Java client).
 * SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_SIZE 32

static void
sha256_free(EVP_MD_CTX **context)
{
    EVP_MD_CTX_free(*context);
    *context = NULL;
}

/* EVP_sha256() would be looked up anew for each digest, under locks of the whole process. */
static EVP_MD *sha256;

static void
sha256_fetch(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static const EVP_MD *
sha256_type(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, sha256_fetch);
    return sha256;
}

/* Only a broken installation of OpenSSL or the end of memory lead to abort() below: no digest can
 * be reported as wrong, and going on without one would be worse. */
static EVP_MD_CTX *
sha256_begin(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestInit_ex(context, sha256_type(), NULL) != 1)
        abort();
    return context;
}

static void
sha256_add(EVP_MD_CTX *context, struct bytes bytes)
{
    if (bytes.length > 0 && EVP_DigestUpdate(context, bytes.at, bytes.length) != 1)
        abort();
}

static void
sha256_end(EVP_MD_CTX *context, uint8_t out[SHA256_SIZE])
{
    unsigned length = 0;
    if (EVP_DigestFinal_ex(context, out, &length) != 1 || length != SHA256_SIZE)
        abort();
}

void
digest_sha256(struct bytes bytes, uint8_t out[SHA256_SIZE])
{
    DEFER(sha256_free) EVP_MD_CTX *context = sha256_begin();
    sha256_add(context, bytes);
    sha256_end(context, out);
}

static void
print_hex(const uint8_t digest[SHA256_SIZE], char out[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[DIGEST_HEX - 1] = '\0';
}

void
digest_hex(struct bytes bytes, char out[DIGEST_HEX])
{
    uint8_t digest[SHA256_SIZE];
    digest_sha256(bytes, digest);
    print_hex(digest, out);
}

/* A digest is OpenSSL's context by another name. */
struct digest *
digest_begin(void)
{
    return (struct digest *)sha256_begin();
}

void
digest_add(struct digest *digest, struct bytes bytes)
{
    sha256_add((EVP_MD_CTX *)digest, bytes);
}

void
digest_end(struct digest **digest, char out[DIGEST_HEX])
{
    uint8_t made[SHA256_SIZE];
    sha256_end((EVP_MD_CTX *)*digest, made);
    print_hex(made, out);
    digest_forget(digest);
}

void
digest_forget(struct digest **digest)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)*digest);
    *digest = NULL;
}

static void
file_close(FILE **file)
{
    if (*file)
        fclose(*file);
    *file = NULL;
}

int
digest_file_hex(const char *path, char out[DIGEST_HEX], struct error *err)
{
    DEFER(file_close) FILE *file = fopen(path, "rbe");
    if (!file)
        return error_set(err, ERROR_INPUT, "cannot open %s: %s", path, strerror(errno));
    DEFER(sha256_free) EVP_MD_CTX *context = sha256_begin();
    uint8_t buffer[16384];
    size_t length;
    while ((length = fread(buffer, 1, sizeof(buffer), file)) > 0)
        sha256_add(context, (struct bytes){buffer, length});
    if (ferror(file))
        return error_set(err, ERROR_INPUT, "cannot read %s: %s", path, strerror(errno));
    uint8_t digest[SHA256_SIZE];
    sha256_end(context, digest);
    print_hex(digest, out);
    return 0;
}

uint64_t
digest_seeded(uint64_t seed, struct bytes bytes)
{
    char prefix[32];
    int length = snprintf(prefix, sizeof(prefix), "%" PRIu64 ":", seed);
    uint8_t digest[SHA256_SIZE];
    DEFER(sha256_free) EVP_MD_CTX *context = sha256_begin();
    sha256_add(context, (struct bytes){(const uint8_t *)prefix, (size_t)length});
    sha256_add(context, bytes);
    sha256_end(context, digest);
    uint64_t first = 0;
    for (size_t i = 0; i < 8; i++)
        first = first << 8 | digest[i];
    return first;
}

uint32_t
murmur2(struct bytes key)
{
    const uint32_t seed = 0x9747b28c, m = 0x5bd1e995;
    const uint8_t *at = key.at;
    size_t left = key.length;
    uint32_t h = seed ^ (uint32_t)key.length;
    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    if (left > 0) {
        for (size_t i = 0; i < left; i++)
            h ^= (uint32_t)at[i] << 8 * i;
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t
murmur2_partition(struct bytes key, int32_t partitions)
{
    assert(partitions > 0);
    return (int32_t)(murmur2(key) & 0x7fffffff) % partitions;
}
