/* The second factor: one's own, and its reset for others. */
#include <qrencode.h>

#include "api/resource.h"
#include "base/secret.h"
#include "identity/second.h"

static bool demand_person(const Call *call, GError **error)
{
    return call->caller->user_id || oriel_fail(error, ORIEL_ERROR_CONFLICT,
                                               "the local administrator has no second factor: log in as a user");
}

bool totp_get(Call *call, GError **error)
{
    g_auto(StoreTotp) totp = {0};
    g_auto(LoginRules) rules = {0};
    if (!demand_person(call, error) || !store_totp_get(call->service->store, call->caller->user_id, &totp, error) ||
        !identity_login_rules(call->service->identity, &rules, error))
        return false;
    bool enrolled = totp.secret && totp.confirmed_ms;
    reply_json(call->reply, 200,
               json_pack("{s:b, s:b, s:o, s:I}", "enrolled", enrolled, "required",
                         (rules.totp_roles & call->caller->roles) != 0, "since_ms",
                         json_time_or_null(enrolled ? totp.confirmed_ms : 0), "recovery_codes",
                         (json_int_t)totp.recovery_codes));
    return true;
}

/* Its rows as "0110…": the page draws it, the content security policy allows no picture from elsewhere. */
static Json *qr_json(const char *text)
{
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    Json *rows = json_array();
    for (int y = 0; code && y < code->width; y++) {
        g_autoptr(GString) row = g_string_new(NULL);
        for (int x = 0; x < code->width; x++)
            g_string_append_c(row, code->data[y * code->width + x] & 1 ? '1' : '0');
        json_array_append_new(rows, json_string(row->str));
    }
    QRcode_free(code);
    return rows;
}

bool totp_post(Call *call, GError **error)
{
    g_auto(TotpEnrolment) enrolment = {0};
    if (!demand_person(call, error) ||
        !identity_totp_begin(call->service->identity, call->caller, &enrolment, error))
        return false;
    reply_json(call->reply, 200, json_pack("{s:s, s:s, s:o}", "secret", enrolment.secret, "uri", enrolment.uri, "qr",
                                           qr_json(enrolment.uri)));
    return true;
}

static bool code_read(const Call *call, const char **ret, GError **error)
{
    return demand_person(call, error) && json_read(call->body, "request body", error, "{s:s}", "code", ret);
}

/* Takes the codes. */
static void codes_answer(Call *call, char **codes)
{
    Json *array = json_array();
    for (size_t i = 0; codes[i]; i++)
        json_array_append_new(array, json_string(codes[i]));
    g_strfreev(codes);
    reply_json(call->reply, 200, json_pack("{s:o}", "recovery_codes", array));
}

bool totp_confirm_post(Call *call, GError **error)
{
    const char *code = NULL;
    ClientInfo client = client_of(call);
    char **codes = code_read(call, &code, error)
                       ? identity_totp_confirm(call->service->identity, call->caller, code, &client, error)
                       : NULL;
    if (codes)
        codes_answer(call, codes);
    return codes != NULL;
}

bool totp_recovery_codes_post(Call *call, GError **error)
{
    const char *code = NULL;
    ClientInfo client = client_of(call);
    char **codes = code_read(call, &code, error)
                       ? identity_recovery_codes_new(call->service->identity, call->caller, code, &client, error)
                       : NULL;
    if (codes)
        codes_answer(call, codes);
    return codes != NULL;
}

bool totp_remove_post(Call *call, GError **error)
{
    const char *code = NULL;
    ClientInfo client = client_of(call);
    if (!code_read(call, &code, error) ||
        !identity_totp_remove(call->service->identity, call->caller, code, &client, error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* For whoever lost their device and their recovery codes. */
bool user_totp_delete(Call *call, GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    if (!user || !store_totp_remove(call->service->store, &call->actor, user->id, "totp.reset", error))
        return false;
    reply_empty(call->reply);
    return true;
}
