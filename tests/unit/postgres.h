/* postgres: a temporary PostgreSQL for one test program. Start it before the suite, because Check
 * forks: `int main(void) { postgres_start(); return run_tests(...); }` or RUN_POSTGRES_TESTS.
 * It listens on a Unix socket alone, so that programs at the same time cannot collide.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MILLRACE_TESTS_POSTGRES_H
#define MILLRACE_TESTS_POSTGRES_H

#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_main.h"
#include "warehouse.h"

static char postgres_folder[64], postgres_binaries[256];
static pid_t postgres_guardian, postgres_owner;
static int postgres_leash;

/* Runs a command line as the user who may run a server: root may not, so root becomes postgres. */
static int PRINTF(1, 2) postgres_shell(const char *fmt, ...)
{
    char command[1024], line[1400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof(command), fmt, args);
    va_end(args);
    snprintf(line, sizeof(line), "cd %s && %s %s >>%s/shell 2>&1 </dev/null", postgres_folder,
             geteuid() == 0 ? "runuser -u postgres --" : "", command, postgres_folder);
    return system(line);
}

static void
postgres_give_up(const char *why)
{
    fprintf(stderr, "no PostgreSQL for the tests: %s\n", why);
    if (postgres_folder[0] != '\0') {
        char line[256];
        snprintf(line, sizeof(line), "tail -n 20 %s/shell %s/log >&2", postgres_folder,
                 postgres_folder);
        if (system(line) != 0)
            fprintf(stderr, "nor a log\n");
    }
    exit(EXIT_FAILURE);
}

/* Debian keeps the server's programs out of PATH, in a folder a version. */
static void
postgres_find(void)
{
    glob_t found;
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) != 0)
        postgres_give_up("/usr/lib/postgresql/*/bin/initdb is missing");
    const char *newest = found.gl_pathv[found.gl_pathc - 1];
    snprintf(postgres_binaries, sizeof(postgres_binaries), "%.*s",
             (int)(strrchr(newest, '/') - newest), newest);
    globfree(&found);
}

static void
postgres_make_folder(void)
{
    snprintf(postgres_folder, sizeof(postgres_folder), "/tmp/millrace-test-XXXXXX");
    if (mkdtemp(postgres_folder) == NULL)
        postgres_give_up("mkdtemp");
    if (geteuid() != 0)
        return;
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL || chown(postgres_folder, user->pw_uid, user->pw_gid) != 0)
        postgres_give_up("the folder cannot be given to the user postgres");
}

/* A process that outlives the program however that ends, sees its end of the pipe close, stops the
 * server and removes the folder. */
static void
postgres_guard(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || (postgres_guardian = fork()) < 0)
        postgres_give_up("pipe or fork");
    if (postgres_guardian > 0) {
        close(ends[0]);
        postgres_leash = ends[1];
        return;
    }
    char byte, line[128];
    close(ends[1]);
    setsid();
    while (read(ends[0], &byte, 1) > 0)
        continue;
    int stopped = postgres_shell("%s/pg_ctl stop -D data -m immediate", postgres_binaries);
    snprintf(line, sizeof(line), "rm -rf %s", postgres_folder);
    int removed = system(line);
    _exit(stopped == 0 && removed == 0 ? 0 : 1);
}

/* Forked tests inherit this handler, and must not stop the server of the others. */
static void
postgres_stop(void)
{
    if (getpid() != postgres_owner)
        return;
    close(postgres_leash);
    waitpid(postgres_guardian, NULL, 0);
}

static void
postgres_start(void)
{
    postgres_find();
    postgres_make_folder();
    postgres_guard();
    postgres_owner = getpid();
    atexit(postgres_stop);
    if (postgres_shell("%s/initdb -D data -U postgres -A trust -E UTF8 --no-locale -N",
                       postgres_binaries) != 0)
        postgres_give_up("initdb failed");
    if (postgres_shell("%s/pg_ctl start -D data -l log -w -o \"-k %s -c listen_addresses= "
                       "-c fsync=off -c full_page_writes=off -c max_connections=30 "
                       "-c shared_buffers=16MB\"",
                       postgres_binaries, postgres_folder) != 0)
        postgres_give_up("pg_ctl start failed");
    setenv("PGHOST", postgres_folder, 1);
    setenv("PGPORT", "5432", 1);
    setenv("PGUSER", "postgres", 1);
    setenv("PGDATABASE", "postgres", 1);
}

/* An empty database of the calling test alone; PGDATABASE names it from now on. */
__attribute__((unused)) static void
postgres_fresh_database(void)
{
    struct error err = {0};
    struct warehouse *db = NULL;
    char name[32], sql[64];
    snprintf(name, sizeof(name), "test_%d", (int)getpid());
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    setenv("PGDATABASE", "postgres", 1);
    ck_ok(warehouse_open("fresh", 0, &db, &err), err);
    ck_ok(warehouse_run(db, sql, &err), err);
    warehouse_close(&db);
    setenv("PGDATABASE", name, 1);
}

#define RUN_POSTGRES_TESTS(name, ...)                                                              \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        postgres_start();                                                                          \
        return run_tests(name, tests, sizeof(tests) / sizeof(tests[0]));                           \
    }

#endif
