/* An ID token and a provider's keys: no input may crash, and none but a signed token may be taken. */
#include <glib.h>
#include <string.h>

#include "base/secret.h"
#include "identity/jwt.h"
#include "identity/oidc_claims.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The token, a line's end, then the keys (JSON). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    ready = ready || secret_init(NULL);
    g_autofree char *token = g_strndup((const char *)data, size);
    char *end = strchr(token, '\n');
    size_t length = end ? (size_t)(end - token) + 1 : size;
    bool unknown = false;
    if (end)
        *end = '\0';
    g_autoptr(Json) keys = length < size ? json_parse_object((const char *)data + length, size - length, "keys", NULL) : NULL;
    g_autoptr(Json) claims = jwt_verify(token, keys, &unknown, NULL);
    if (claims && !keys)
        g_abort();
    /* What claims may be is fuzzed without a signature. */
    g_autoptr(Json) said = json_parse_object(token, strlen(token), "claims", NULL);
    IdTokenRules rules = {"https://login.example", "oriel", "nonce", 1767225600000};
    OidcSettings settings = {.name_claim = "name", .display_name_claim = "a.b", .groups_claim = "groups"};
    g_auto(DirectoryPerson) person = {0};
    if (said && id_token_check(said, &rules, NULL) && oidc_person_read(said, &settings, &person, NULL) &&
        (!person.external_id || !person.name))
        g_abort();
    return 0;
}
