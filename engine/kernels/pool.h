/* Helper threads that share out the tasks of a job.
 *
 * The caller always works too, tasks are claimed from a counter, and nobody ever waits for a helper
 * that has not begun: on a busy machine a job simply runs on fewer threads. Any number of jobs (two
 * trainings and a prediction, say) may be open at once. Helpers spin for a moment before they
 * sleep, because the jobs of one training follow each other within microseconds.
 */
#ifndef RESPNET_POOL_H
#define RESPNET_POOL_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

typedef void (*respnet_task)(void *context, int index);

typedef struct respnet_job {
    respnet_task task;
    void *context;
    int tasks;
    _Atomic int next;   /* first task nobody has claimed */
    _Atomic int active; /* helpers inside this job */
    int seats;          /* helpers that may still join; guarded by the lock */
    struct respnet_job *following;
} respnet_job;

enum { RESPNET_MAX_HELPERS = 63, RESPNET_SPINS = 20000 };

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t pool_wake = PTHREAD_COND_INITIALIZER;
static respnet_job *pool_jobs;
static _Atomic long pool_generation;
static int pool_helpers, pool_sleepers;

#if defined(__x86_64__)
#define RESPNET_PAUSE() __builtin_ia32_pause()
#else
#define RESPNET_PAUSE() ((void)0)
#endif

static void pool_work(respnet_job *job) {
    int index;
    while ((index = atomic_fetch_add(&job->next, 1)) < job->tasks) job->task(job->context, index);
}

static respnet_job *pool_join(void) {
    respnet_job *job;
    pthread_mutex_lock(&pool_lock);
    for (job = pool_jobs; job; job = job->following)
        if (job->seats > 0 && atomic_load(&job->next) < job->tasks) break;
    if (job) {
        job->seats--;
        atomic_fetch_add(&job->active, 1);
    }
    pthread_mutex_unlock(&pool_lock);
    return job;
}

static void pool_sleep(long seen) {
    pthread_mutex_lock(&pool_lock);
    pool_sleepers++;
    while (atomic_load(&pool_generation) == seen) pthread_cond_wait(&pool_wake, &pool_lock);
    pool_sleepers--;
    pthread_mutex_unlock(&pool_lock);
}

static void *pool_main(void *unused) {
    long seen = 0;
    (void)unused;
    for (;;) {
        for (int i = 0; i < RESPNET_SPINS && atomic_load(&pool_generation) == seen; i++)
            RESPNET_PAUSE();
        if (atomic_load(&pool_generation) == seen) pool_sleep(seen);
        seen = atomic_load(&pool_generation);
        respnet_job *job = pool_join();
        if (!job) continue;
        pool_work(job);
        atomic_fetch_sub(&job->active, 1);
    }
    return NULL;
}

/* A forked child has none of its parent's threads. */
static void pool_forget(void) {
    pool_helpers = pool_sleepers = 0;
    pool_jobs = NULL;
    pthread_mutex_init(&pool_lock, NULL);
    pthread_cond_init(&pool_wake, NULL);
}

static void pool_grow(int helpers) {
    static int registered;
    pthread_mutex_lock(&pool_lock);
    if (!registered) registered = !pthread_atfork(NULL, NULL, pool_forget);
    while (pool_helpers < helpers && pool_helpers < RESPNET_MAX_HELPERS) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, pool_main, NULL)) break;
        pthread_detach(thread);
        pool_helpers++;
    }
    pthread_mutex_unlock(&pool_lock);
}

static void pool_open(respnet_job *job) {
    pthread_mutex_lock(&pool_lock);
    job->following = pool_jobs;
    pool_jobs = job;
    atomic_fetch_add(&pool_generation, 1);
    if (pool_sleepers) pthread_cond_broadcast(&pool_wake);
    pthread_mutex_unlock(&pool_lock);
}

static void pool_close(respnet_job *job) {
    pthread_mutex_lock(&pool_lock);
    respnet_job **link = &pool_jobs;
    while (*link && *link != job) link = &(*link)->following;
    if (*link) *link = job->following;
    pthread_mutex_unlock(&pool_lock);
    for (int spins = 0; atomic_load(&job->active); spins++) {
        if (spins < RESPNET_SPINS)
            RESPNET_PAUSE();
        else
            sched_yield();
    }
}

/* Run tasks 0..tasks-1 on up to `threads` threads, this one included; returns when all are done. */
static void pool_run(int tasks, int threads, respnet_task task, void *context) {
    if (threads <= 1 || tasks <= 1) {
        for (int i = 0; i < tasks; i++) task(context, i);
        return;
    }
    respnet_job job = {.task = task, .context = context, .tasks = tasks, .seats = threads - 1};
    if (pool_helpers < threads - 1) pool_grow(threads - 1);
    pool_open(&job);
    pool_work(&job);
    pool_close(&job);
}

#endif
