/* Quotas within a transaction that gives or starts a desktop. Only for this folder. */
#pragma once

#include "store/quota.h"
#include "store/transaction.h"

typedef struct {
    const char *user_id; /* NULL: nobody's, which no quota counts */
    const char *pool_id;
    const char *desktop_id; /* NULL: one that is not made yet */
    bool is_new;            /* it is not theirs yet */
    bool starts;            /* it does not run yet, or not for them */
} QuotaGift;

/* The caller has locked the user. FULL: the judge refuses. */
bool quota_check_in(Transaction *transaction, const QuotaGift *gift, GError **error);

StoreQuotaJudge store_quota_judge(const Store *store);
