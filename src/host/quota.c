/* Quotas as the values that broker/ decides from. */
#include "host/private.h"

#include "store/quota.h"
#include "store/user.h"

G_STATIC_ASSERT((int)QUOTA_KINDS == (int)STORE_QUOTA_KINDS);

static QuotaSource source_of(const StoreQuota *quota)
{
    if (!quota->is_group)
        return QUOTA_OF_USER;
    return g_strcmp0(quota->subject_id, STORE_GROUP_EVERYONE) == 0 ? QUOTA_OF_EVERYONE : QUOTA_OF_GROUP;
}

void host_quota_limits(const StoreQuotaFacts *facts, QuotaLimit ret[QUOTA_KINDS])
{
    g_autofree QuotaSaid *said = g_new0(QuotaSaid, MAX(facts->said->len, 1));
    for (size_t i = 0; i < facts->said->len; i++) {
        const StoreQuota *quota = facts->said->pdata[i];
        said[i] = (QuotaSaid){.source = source_of(quota), .name = quota->subject_name};
        for (int kind = 0; kind < QUOTA_KINDS; kind++)
            said[i].most[kind] = quota->most[kind];
    }
    quota_resolve(said, facts->said->len, ret);
}

bool host_quota_judge(const StoreQuotaFacts *facts, GError **error)
{
    QuotaLimit limits[QUOTA_KINDS];
    host_quota_limits(facts, limits);
    return quota_admit(facts->user_name, limits, facts->used, facts->more, error);
}
