/* What shadows ask of the help desk's rules. */
#pragma once

#include "store/store.h"

/* Whether a person is asked before somebody looks on, and not only told (settings/help). */
bool help_asks(Store *store, bool *ret, GError **error);
