/* Only for this folder. */
#pragma once

#include "store/policy.h"
#include "store/session.h"
#include "store/transaction.h"

/* In the transaction that opens the session; of choice the ids of desktop, session and user are not used. */
bool choice_write_in(Transaction *transaction, const StoreSession *session, const StoreChoice *choice, GError **error);
