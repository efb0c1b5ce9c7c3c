# Sourced by the other scripts: where things are in this checkout. ORIEL_STATE and ORIEL_PORT override.
# shellcheck shell=sh

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$top/build

ORIEL_STATE=${ORIEL_STATE:-$top/state}
case $ORIEL_STATE in
/*) ;;
*) ORIEL_STATE=$PWD/$ORIEL_STATE ;;
esac
ORIEL_SHARE=${ORIEL_SHARE:-$build/share}
ORIEL_PORT=${ORIEL_PORT:-8443}
export ORIEL_STATE ORIEL_SHARE ORIEL_PORT
unset ORIEL_URL ORIEL_TOKEN_FILE ORIEL_FINGERPRINT # the one of this checkout is meant
# npm writes its downloads and logs here, not into the home folder.
npm_config_cache=${npm_config_cache:-$top/cache/npm}
npm_config_update_notifier=false
export npm_config_cache npm_config_update_notifier
runtime=${ORIEL_RUNTIME:-$ORIEL_STATE/run}

oriel=$build/src/cli/oriel
orield=$build/src/api/orield
gateway=$build/src/gateway/oriel-gateway

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}
