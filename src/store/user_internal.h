/* Only for this folder. */
#pragma once

#include "store/transaction.h"

/* Before an administrator is taken away: two at once come one after the other. */
bool user_admins_lock(Transaction *transaction, GError **error);
/* After it, before the commit: CONFLICT where no enabled administrator is left. */
bool user_admin_left_check(Transaction *transaction, GError **error);
