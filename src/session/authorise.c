/*
 * entered from: admit.c, when user name and password must be proven
 * leaves to:    own.c
 * owns:         the login job: copies of user name and password, on the thread pool
 * deadline:     timeouts.connect, anew: a pool that takes longer is too busy
 * reasons:      bad_credentials, banned, busy, full, client_ended, client_lost, no_memory
 */
#include "session_internal.h"

#include <stdlib.h>

#include "moat/base/clock.h"

/* Copies, because the kept bytes may move while the pool is at work. */
struct login_job {
    uv_work_t work;
    struct session *session;
    struct buffer username;
    struct buffer password;
    bool is_observed; /* a wrong one is only logged */
    bool is_checked;  /* false when there was no memory to find out */
    bool is_right;
};

/* What EVENT_VERDICT says. */
enum verdict {
    VERDICT_RIGHT = 0,
    VERDICT_WRONG,
    VERDICT_BANNED,    /* the address was, while the password was computed */
    VERDICT_UNCHECKED, /* cancelled, or no memory */
};

static void job_free(struct login_job *job)
{
    buffer_deinit(&job->username);
    buffer_deinit(&job->password);
    free(job);
}

static struct login_job *job_new(struct session *session)
{
    const struct mqtt_connect *connect = &session->admission->connect;
    struct login_job *job = calloc(1, sizeof *job);

    if (job == NULL) {
        return NULL;
    }
    job->work.data = job;
    job->session = session;
    job->is_observed = session->admission->is_password_observed;
    buffer_init(&job->username, connect->username.size);
    buffer_init(&job->password, connect->password.size);
    if (!buffer_append(&job->username, connect->username) ||
        !buffer_append(&job->password, connect->password)) {
        job_free(job);
        return NULL;
    }
    return job;
}

/* On a thread of the pool: nothing of the session is touched but what never changes. */
static void on_work(uv_work_t *work)
{
    struct login_job *job = work->data;

    job->is_right =
        credentials_verify(job->session->snapshot->credentials, buffer_slice(&job->username),
                           buffer_slice(&job->password), &job->is_checked);
}

/* Who sent many guesses at once hears no more of them than who sends one after the other: from the
 * ban on, right and wrong are answered alike. */
static enum verdict judge(const struct login_job *job)
{
    if (!job->is_observed && blame_has_banned(job->session)) {
        return VERDICT_BANNED;
    }
    return !job->is_checked ? VERDICT_UNCHECKED : job->is_right ? VERDICT_RIGHT : VERDICT_WRONG;
}

static void on_worked(uv_work_t *work, int status)
{
    struct login_job *job = work->data;
    struct session *session = job->session;
    enum verdict verdict = status == 0 ? judge(job) : VERDICT_UNCHECKED;

    gauge_give(&session->worker->gauges->hashing);
    if (verdict == VERDICT_RIGHT) {
        login_cache_add(session->snapshot->logins, buffer_slice(&job->username),
                        buffer_slice(&job->password), clock_monotonic_ms());
    } else if (verdict == VERDICT_WRONG && !job->is_observed) {
        /* Here, so that it counts as well when the client did not wait for the answer. */
        blame_address(session, "failed_logins");
    }
    job_free(job);
    if (session->admission != NULL) {
        session->admission->login = NULL;
    }
    session_dispatch(session, EVENT_VERDICT, (struct session_input){.status = verdict});
    session_release(session);
}

static bool is_remembered(const struct session *session)
{
    const struct mqtt_connect *connect = &session->admission->connect;

    return login_cache_has(session->snapshot->logins, connect->username, connect->password,
                           clock_monotonic_ms());
}

/* Not proven. Where that is only observed, the client comes in under the name it gave. */
static void refuse_login(struct session *session, const char *detail)
{
    if (session->admission->is_password_observed) {
        report_observed(session, CLOSE_BAD_CREDENTIALS, detail);
        own_enter(session, false);
    } else {
        session_close(session, CLOSE_BAD_CREDENTIALS, detail);
    }
}

void authorise_enter(struct session *session)
{
    const struct config *config = session_config(session);
    struct gauge *hashing = &session->worker->gauges->hashing;

    session_enter(session, SESSION_AUTHORISE, config->connect_timeout_ms);
    if (session->snapshot->credentials == NULL) {
        refuse_login(session, "no password file is configured");
        return;
    }
    /* Who opened many connections before the ban gets no more guesses by them. */
    if (!session->admission->is_password_observed && blame_has_banned(session)) {
        session_close(session, CLOSE_BANNED, "its address");
        return;
    }
    if (is_remembered(session)) {
        session->is_proven = true;
        own_enter(session, true);
        return;
    }
    if (!gauge_take(hashing, config->hashing)) {
        session_close(session, CLOSE_BUSY, NULL);
        return;
    }
    struct login_job *job = job_new(session);
    if (job == NULL || uv_queue_work(session->worker->loop, &job->work, on_work, on_worked) != 0) {
        if (job != NULL) {
            job_free(job);
        }
        gauge_give(hashing);
        session_close(session, CLOSE_NO_MEMORY, NULL);
        return;
    }
    session->admission->login = job;
    session->pending++;
}

void authorise_on_verdict(struct session *session, const struct session_input *input)
{
    switch ((enum verdict)input->status) {
    case VERDICT_RIGHT:
        session->is_proven = true;
        own_enter(session, true);
        break;
    case VERDICT_WRONG:
        refuse_login(session, NULL);
        break;
    case VERDICT_BANNED:
        session_close(session, CLOSE_BANNED, "its address");
        break;
    case VERDICT_UNCHECKED:
        session_close(session, CLOSE_NO_MEMORY, "to check the password");
        break;
    }
}

void authorise_cancel(struct session *session)
{
    if (session->admission != NULL && session->admission->login != NULL) {
        /* Succeeds only while the job is queued; on_worked comes in either case. */
        uv_cancel((uv_req_t *)&session->admission->login->work);
    }
}
