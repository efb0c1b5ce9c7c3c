#include "broker/entitle.h"

#include "base/error.h"

static bool is_entitled(const EntitleQuestion *question)
{
    return question->as_admin ||
           (question->user_enabled && (question->user_entitled || question->group_entitled));
}

/* To one who can do something about it. */
static bool refuse_for(const BrokerPool *pool, const EntitleQuestion *question, GError **error)
{
    if (!question->user_enabled)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "%s is disabled: oriel user edit %s --enabled yes",
                          question->for_user, question->for_user);
    return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "%s may not use %s: oriel entitle add %s --user %s",
                      question->for_user, pool->name, pool->name, question->for_user);
}

bool entitle_use(const BrokerPool *pool, const EntitleQuestion *question, GError **error)
{
    if (question->for_user && !is_entitled(question))
        return refuse_for(pool, question, error);
    if (!question->as_admin && !question->user_enabled)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "this account is disabled; ask your administrator");
    if (!is_entitled(question))
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "pool \"%s\": you are not entitled to it; ask your administrator", pool->name);
    if (pool->deleted)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": is being deleted", pool->name);
    if (question->as_admin)
        return true;
    if (pool->maintenance)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": is in maintenance; try again later",
                          pool->name);
    if (pool->draining && !question->in_session)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "pool \"%s\": takes no new sessions now, it is being emptied; try again later", pool->name);
    if (!pool->enabled && !question->has_desktop)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": is switched off; ask your administrator",
                          pool->name);
    return true;
}

bool entitle_sees(const BrokerPool *pool, const EntitleQuestion *question)
{
    return !pool->deleted && is_entitled(question) &&
           (pool->enabled || question->has_desktop || question->as_admin);
}
