/* tsan_threads: C11's threads by POSIX's, for programs under ThreadSanitizer. It knows the latter
 * alone: a thread that thrd_create made crashes in it, and librdkafka makes its threads so. Linked
 * into a program, these take the place of glibc's for the libraries too, and what librdkafka locks
 * orders memory for ThreadSanitizer as well. glibc's types have the layout of POSIX's; a thread's
 * result, which nobody asks for, is lost. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's mutex is POSIX's");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's condition is POSIX's");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "glibc's flag is POSIX's");

static int
told(int code)
{
    if (code == 0)
        return thrd_success;
    return code == ETIMEDOUT ? thrd_timedout : code == EBUSY ? thrd_busy : thrd_error;
}

void
call_once(once_flag *flag, void (*run)(void))
{
    pthread_once((pthread_once_t *)flag, run);
}

struct start {
    thrd_start_t run;
    void *argument;
};

static void *
begin(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    start.run(start.argument);
    return NULL;
}

int
thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    struct start *start = malloc(sizeof(*start));
    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){run, argument};
    int code = pthread_create(thread, NULL, begin, start);
    if (code != 0)
        free(start);
    return told(code);
}

int
thrd_join(thrd_t thread, int *result)
{
    if (result != NULL)
        *result = 0;
    return told(pthread_join(thread, NULL));
}

/* No recursive ones: nobody asks for them. */
int
mtx_init(mtx_t *mutex, int type)
{
    return type == mtx_plain ? told(pthread_mutex_init((pthread_mutex_t *)mutex, NULL))
                             : thrd_error;
}

void
mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int
mtx_lock(mtx_t *mutex)
{
    return told(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int
mtx_unlock(mtx_t *mutex)
{
    return told(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

int
cnd_init(cnd_t *condition)
{
    return told(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

void
cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy((pthread_cond_t *)condition);
}

int
cnd_signal(cnd_t *condition)
{
    return told(pthread_cond_signal((pthread_cond_t *)condition));
}

int
cnd_broadcast(cnd_t *condition)
{
    return told(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int
cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return told(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int
cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
              const struct timespec *restrict until)
{
    return told(
        pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}

/* gcc 12's ThreadSanitizer does not see this one, and takes who was joined by it for lost. */
int
pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock, const struct timespec *until)
{
    (void)clock, (void)until;
    return pthread_join(thread, result);
}
