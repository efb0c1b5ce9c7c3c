/* The resources: one file each. Here the handlers that routes.c names, and the JSON of rows that others need
 * too. */
#pragma once

#include "api/call.h"
#include "store/desktop.h"
#include "store/job.h"
#include "store/pool.h"
#include "store/session.h"

/* ---- handlers ---- */

/* login.c */
bool login_post(Call *call, GError **error);
bool logout_post(Call *call, GError **error);
bool me_get(Call *call, GError **error);
bool setup_post(Call *call, GError **error);
bool login_code_post(Call *call, GError **error);
/* kiosks.c */
bool kiosks_get(Call *call, GError **error);
bool kiosks_post(Call *call, GError **error);
bool kiosk_get(Call *call, GError **error);
bool kiosk_patch(Call *call, GError **error);
bool kiosk_delete(Call *call, GError **error);
bool login_kiosk_post(Call *call, GError **error);
bool login_is_kiosk(const Call *call, bool *ret, GError **error); /* whether the device that asks is one */
/* providers.c */
bool login_providers_get(Call *call, GError **error);
bool login_provider_get(Call *call, GError **error);
bool login_provider_callback_get(Call *call, GError **error);
/* totp.c */
bool totp_get(Call *call, GError **error);
bool totp_post(Call *call, GError **error);
bool totp_confirm_post(Call *call, GError **error);
bool totp_recovery_codes_post(Call *call, GError **error);
bool totp_remove_post(Call *call, GError **error);
bool user_totp_delete(Call *call, GError **error);
/* settings.c */
bool settings_login_get(Call *call, GError **error);
bool settings_login_patch(Call *call, GError **error);
/* self_service.c */
bool portal_restart_post(Call *call, GError **error);
bool portal_reset_post(Call *call, GError **error);
bool portal_refresh_post(Call *call, GError **error);
/* portal.c */
bool portal_get(Call *call, GError **error);
bool pool_connect_post(Call *call, GError **error);
bool desktop_connect_post(Call *call, GError **error);
/* native.c */
bool native_get(Call *call, GError **error);

/* display.c */
bool display_get(Call *call, GError **error);
/* sessions.c */
bool sessions_get(Call *call, GError **error);
bool session_get(Call *call, GError **error);
bool session_disconnect_post(Call *call, GError **error);
bool session_log_off_post(Call *call, GError **error);
bool session_lock_post(Call *call, GError **error);
bool session_unlock_post(Call *call, GError **error);
/* transfers.c */
bool session_files_get(Call *call, GError **error);
bool session_files_post(Call *call, GError **error);
bool session_transfer_get(Call *call, GError **error);
bool session_transfer_delete(Call *call, GError **error);
bool session_transfer_bytes_get(Call *call, GError **error);
bool session_transfer_bytes_put(Call *call, GError **error);
bool session_transfer_finish_post(Call *call, GError **error);
/* pools.c */
bool pools_get(Call *call, GError **error);
bool pools_post(Call *call, GError **error);
bool pool_get(Call *call, GError **error);
bool pool_patch(Call *call, GError **error);
bool pool_delete(Call *call, GError **error);
/* pool_icon.c */
bool pool_icon_get(Call *call, GError **error);
bool pool_icon_put(Call *call, GError **error);
bool pool_icon_delete(Call *call, GError **error);
/* homes.c */
bool homes_get(Call *call, GError **error);
bool home_get(Call *call, GError **error);
bool home_patch(Call *call, GError **error);
bool home_delete(Call *call, GError **error);
/* plans.c */
bool plans_get(Call *call, GError **error);
bool plans_post(Call *call, GError **error);
bool plan_get(Call *call, GError **error);
bool plan_patch(Call *call, GError **error);
bool plan_delete(Call *call, GError **error);
/* quotas.c */
bool quotas_get(Call *call, GError **error);
bool quota_user_put(Call *call, GError **error);
bool quota_user_delete(Call *call, GError **error);
bool quota_group_put(Call *call, GError **error);
bool quota_group_delete(Call *call, GError **error);
bool user_quota_get(Call *call, GError **error);
bool portal_quota_get(Call *call, GError **error);
/* policies.c */
bool policies_get(Call *call, GError **error);
bool policies_post(Call *call, GError **error);
bool policies_order_put(Call *call, GError **error);
bool policy_get(Call *call, GError **error);
bool policy_patch(Call *call, GError **error);
bool policy_delete(Call *call, GError **error);
/* explain.c */
bool policies_explain_post(Call *call, GError **error);
/* entitlements.c */
bool entitlements_get(Call *call, GError **error);
bool entitlement_user_put(Call *call, GError **error);
bool entitlement_user_delete(Call *call, GError **error);
bool entitlement_group_put(Call *call, GError **error);
bool entitlement_group_delete(Call *call, GError **error);
/* desktops.c */
bool desktops_get(Call *call, GError **error);
bool desktop_get(Call *call, GError **error);
bool desktop_patch(Call *call, GError **error);
bool desktop_delete(Call *call, GError **error);
bool desktop_start_post(Call *call, GError **error);
bool desktop_stop_post(Call *call, GError **error);
bool desktop_reset_post(Call *call, GError **error);
bool desktop_restart_post(Call *call, GError **error);
bool desktop_refresh_post(Call *call, GError **error);
bool desktop_assign_post(Call *call, GError **error);
bool desktop_unassign_post(Call *call, GError **error);
bool desktop_release_post(Call *call, GError **error);
/* Somebody else has a session there. */
bool desktop_in_use_by_other(Call *call, const StoreDesktop *desktop, bool *ret, GError **error);
bool desktop_thumbnail_get(Call *call, GError **error);
/* machines.c */
bool desktops_post(Call *call, GError **error);
/* images.c */
bool images_get(Call *call, GError **error);
bool image_get(Call *call, GError **error);
bool image_delete(Call *call, GError **error);
bool recipes_get(Call *call, GError **error);
/* image_build.c */
bool images_post(Call *call, GError **error);
/* users.c */
bool users_get(Call *call, GError **error);
bool users_post(Call *call, GError **error);
bool user_get(Call *call, GError **error);
bool user_patch(Call *call, GError **error);
bool user_delete(Call *call, GError **error);
bool user_password_put(Call *call, GError **error);
bool user_link_post(Call *call, GError **error);
/* groups.c */
bool groups_get(Call *call, GError **error);
bool groups_post(Call *call, GError **error);
bool group_get(Call *call, GError **error);
bool group_patch(Call *call, GError **error);
bool group_delete(Call *call, GError **error);
bool group_member_put(Call *call, GError **error);
bool group_member_delete(Call *call, GError **error);
/* directories.c */
bool directories_get(Call *call, GError **error);
bool directories_post(Call *call, GError **error);
bool directory_get(Call *call, GError **error);
bool directory_patch(Call *call, GError **error);
bool directory_test_post(Call *call, GError **error);
bool directory_delete(Call *call, GError **error);
/* jobs.c */
bool jobs_get(Call *call, GError **error);
bool job_get(Call *call, GError **error);
bool job_log_get(Call *call, GError **error);
bool job_cancel_post(Call *call, GError **error);
/* events.c */
bool events_get(Call *call, GError **error);
bool events_verify_get(Call *call, GError **error);
bool stream_get(Call *call, GError **error);
/* statistics.c */
bool statistics_get(Call *call, GError **error);
/* metrics.c */
bool metrics_get(Call *call, GError **error);

/* status.c */
bool health_get(Call *call, GError **error);
bool status_get(Call *call, GError **error);
bool host_drain_post(Call *call, GError **error);
bool host_maintenance_post(Call *call, GError **error);
bool host_resume_post(Call *call, GError **error);
bool host_stop_post(Call *call, GError **error);
/* logins.c */
bool logins_get(Call *call, GError **error);
bool logins_delete(Call *call, GError **error);
bool login_delete(Call *call, GError **error);
/* tokens.c */
bool tokens_get(Call *call, GError **error);
bool tokens_post(Call *call, GError **error);
bool token_delete(Call *call, GError **error);

/* help.c */
bool people_get(Call *call, GError **error);
bool user_helps_get(Call *call, GError **error);
bool user_helps_put(Call *call, GError **error);
bool group_helps_get(Call *call, GError **error);
bool group_helps_put(Call *call, GError **error);
bool settings_help_get(Call *call, GError **error);
bool settings_help_patch(Call *call, GError **error);
/* messages.c */
bool session_message_post(Call *call, GError **error);
bool messages_get(Call *call, GError **error);
bool message_delete(Call *call, GError **error);
/* shadows.c */
bool session_shadow_post(Call *call, GError **error);
bool session_shadows_get(Call *call, GError **error);
bool shadow_get(Call *call, GError **error);
bool shadow_answer_post(Call *call, GError **error);
bool shadow_end_post(Call *call, GError **error);
bool shadow_connect_post(Call *call, GError **error);

/* The session of the path, the caller's own or one of theirs to help. Another person's does not exist for a user. */
StoreSession *session_find(Call *call, Permission permission, GError **error);
/* A connection, or the job that has to end first. */
bool connection_answer(Call *call, const HostConnection *connection, DisplayClient client, GError **error);

/* ---- JSON of rows; the caller owns it ---- */

typedef struct {
    const char *name;
    const char *value;
    int64_t seconds;       /* 0: it goes */
    const char *same_site; /* "Strict", "Lax" */
} Cookie;
void cookie_set(Call *call, const Cookie *cookie);
/* Gives the browser what it needs next. False: a code is asked for first. */
bool login_cookies(Call *call, const Login *login);
ClientInfo client_of(const Call *call);

Json *me_json(const Caller *caller);
/* The link in STATE/setup-link is void now, if it was this user's. */
void setup_link_forget(const Service *service, const char *user_name);
Json *roles_json(Roles roles);
/* A JSON array of role words; at least one. */
bool roles_read(Json *array, Roles *ret, GError **error);
/* The same as a list that may be empty, under this key. */
bool roles_read_list(Json *array, const char *key, Roles *ret, GError **error);
Json *scopes_json(Scopes scopes);
Json *job_json(const StoreJob *job);
Json *session_json(const StoreSession *session);
Json *session_brief(const StoreSession *session); /* null without a session */
Json *desktop_one_json(Store *store, StoreDesktop *desktop, GError **error); /* whole; NULL on failure */
Json *desktop_brief(const StoreDesktop *desktop); /* null without a desktop */
/* FORBIDDEN, with the policy's sentence, where policies do not let the caller in from here now. */
bool portal_demand_let_in(Call *call, const StorePool *pool, GError **error);
/* Answers with the caller's tile of this pool as it is now. */
bool portal_tile_answer(Call *call, const StorePool *pool, GError **error);
Json *self_service_json(const StorePool *pool); /* a list of words */
/* The list under "self_service", where the body has one. */
bool self_service_read(Json *body, StorePool *pool, GError **error);
/* One word for people: "refreshing". Static. */
const char *desktop_state(const StoreDesktop *desktop);

/* Folder of recipes that come with Oriel: SHARE/recipes. Caller frees. */
char *recipes_folder(const Config *config);

/* What the API keeps in StoreImageVersion.manifest of an image's manifest.json. */
typedef struct {
    uint64_t vcpus; /* what its recipe asks for */
    uint64_t memory_bytes;
    char session[16]; /* "x11", "console"; "": not known */
} ImageFacts;

/* Facts of an empty or odd text are 0. */
void image_facts_read(const char *text, ImageFacts *ret);
