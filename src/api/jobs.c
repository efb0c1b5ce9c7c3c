/* Long work. */
#include <string.h>

#include "api/resource.h"
#include "base/number.h"

static char *title_of(const StoreJob *job)
{
    static const struct {
        const char *kind;
        const char *words;
    } titles[] = {
        {"image.build", "Build image"},
        {"template.build", "Boot and freeze"},
        {"pool.delete", "Delete pool"},
        {"desktop.start", "Start desktop"},
        {"desktop.restart", "Restart desktop"},
        {"desktop.make", "Make desktop"},
    };
    const char *words = job->kind;
    for (size_t i = 0; i < G_N_ELEMENTS(titles); i++)
        if (strcmp(titles[i].kind, job->kind) == 0)
            words = titles[i].words;
    return job->object_name && *job->object_name ? g_strdup_printf("%s %s", words, job->object_name)
                                                 : g_strdup(words);
}

Json *job_json(const StoreJob *job)
{
    g_autofree char *title = title_of(job);
    const char *actor = job->creator_name && *job->creator_name ? job->creator_name : NULL;
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:I, s:s, s:o, s:b, s:s?, s:I, s:o, s:o}", "id", job->id,
                     "kind", job->kind, "title", title, "object",
                     json_object_of(job->object_kind, job->object_id, job->object_name), "state",
                     store_job_state_word(job->state), "progress", (json_int_t)job->progress, "step",
                     job->step ? job->step : "", "error", json_text_or_null(job->error), "cancel_requested",
                     job->cancel_requested, "actor", actor, "created_ms", (json_int_t)job->created_ms,
                     "started_ms", json_time_or_null(job->started_ms), "ended_ms",
                     json_time_or_null(job->ended_ms));
}

bool call_reply_job(Call *call, const char *job_id, GError **error)
{
    g_autoptr(StoreJob) job = store_job_get(call->service->store, job_id, error);
    if (!job)
        return false;
    reply_json(call->reply, 202, json_pack("{s:o}", "job", job_json(job)));
    return true;
}

bool jobs_get(Call *call, GError **error)
{
    StorePage page;
    StoreJobState parsed;
    g_autofree char *next = NULL;
    const char *state = request_query(call->request, "state");
    if (!call_page(call, &page, error))
        return false;
    if (state && !store_job_state_parse(state, &parsed))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "state: \"%s\" is none of queued, running, done, failed, cancelled", state);
    StoreJobFilter filter = {.state = state};
    g_autoptr(GPtrArray) jobs = store_job_list(call->service->store, &filter, &page, &next, error);
    if (!jobs)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < jobs->len; i++)
        json_array_append_new(items, job_json(jobs->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

bool job_get(Call *call, GError **error)
{
    g_autoptr(StoreJob) job = store_job_get(call->service->store, call->parameters[0], error);
    if (!job)
        return false;
    reply_json(call->reply, 200, job_json(job));
    return true;
}

bool job_log_get(Call *call, GError **error)
{
    const char *text = request_query(call->request, "from");
    uint64_t from = 0;
    if (text && !number_parse(text, 0, G_MAXINT64, "from", &from, error))
        return false;
    int64_t position = (int64_t)from;
    g_autofree char *log = store_job_log_read(call->service->store, call->parameters[0], &position, error);
    if (!log)
        return false;
    g_autofree char *next = g_strdup_printf("%" G_GINT64_FORMAT, position);
    reply_header(call->reply, "X-Oriel-Next", next);
    reply_text(call->reply, 200, log);
    return true;
}

bool job_cancel_post(Call *call, GError **error)
{
    return job_cancel(call->service->jobs, &call->actor, call->parameters[0], error) &&
           call_reply_job(call, call->parameters[0], error);
}
