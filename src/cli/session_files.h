/* Files between this computer and one's desktop, piece by piece: what `oriel session files`, `put` and `get` run. */
#pragma once

#include "cli/cli.h"

bool run_session_files(Cli *cli, const Call *call, GError **error);
bool run_session_put(Cli *cli, const Call *call, GError **error);
bool run_session_get(Cli *cli, const Call *call, GError **error);
