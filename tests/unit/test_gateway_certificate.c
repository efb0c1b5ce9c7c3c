#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "gateway/certificate.h"
#include "gateway/self_signed.h"

typedef struct {
    char *folder, *certificate, *key;
} Place;

static Place place_new(void)
{
    g_autoptr(GError) error = NULL;
    char *folder = g_dir_make_tmp("oriel-gateway-XXXXXX", &error);
    g_assert_no_error(error);
    return (Place){folder, g_build_filename(folder, "tls", "certificate.pem", NULL),
                   g_build_filename(folder, "tls", "key.pem", NULL)};
}

static void place_free(Place *place)
{
    g_assert_true(folder_remove(place->folder, NULL));
    g_free(place->folder);
    g_free(place->certificate);
    g_free(place->key);
}

static void ensure(const Place *place, bool expect_made)
{
    g_autoptr(GError) error = NULL;
    bool made = !expect_made;
    g_assert_true(certificate_ensure(place->certificate, place->key, &made, &error));
    g_assert_no_error(error);
    g_assert_true(made == expect_made);
}

static void test_made_once(void)
{
    Place place = place_new();
    struct stat info;
    ensure(&place, true);
    g_assert_cmpint(stat(place.key, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_autofree char *first = certificate_fingerprint(place.certificate, NULL);
    g_assert_cmpuint(strlen(first), ==, 32 * 3 - 1);
    ensure(&place, false);
    g_autofree char *second = certificate_fingerprint(place.certificate, NULL);
    g_assert_cmpstr(first, ==, second);
    g_autoptr(SSL_CTX) context = certificate_context(place.certificate, place.key, NULL);
    g_assert_nonnull(context);
    g_autofree char *served = certificate_context_fingerprint(context);
    g_assert_cmpstr(served, ==, first);
    int days = certificate_context_days_left(context);
    g_assert_true(days >= SELF_SIGNED_DAYS - 2 && days < SELF_SIGNED_DAYS);
    place_free(&place);
}

/* A crash between the two files: the key that is there is used, not thrown away. */
static void test_crash_after_the_key(void)
{
    Place place = place_new();
    ensure(&place, true);
    g_autofree char *before = file_read(place.key, 4096, NULL, NULL);
    g_assert_cmpint(unlink(place.certificate), ==, 0);
    ensure(&place, true);
    g_autofree char *after = file_read(place.key, 4096, NULL, NULL);
    g_assert_cmpstr(before, ==, after);
    g_autoptr(SSL_CTX) context = certificate_context(place.certificate, place.key, NULL);
    g_assert_nonnull(context);
    place_free(&place);
}

static void write_text(const char *path, const char *text)
{
    g_assert_true(file_write_atomic(path, text, strlen(text), 0600, NULL));
}

static void expect_refused(const Place *place, OrielErrorKind kind, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(certificate_context(place->certificate, place->key, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, kind);
    if (!strstr(error->message, words))
        g_error("\"%s\" does not say \"%s\"", error->message, words);
}

static void test_refused(void)
{
    Place place = place_new(), other = place_new();
    ensure(&place, true);
    ensure(&other, true);
    g_autofree char *certificate = file_read(place.certificate, 65536, NULL, NULL);
    g_autofree char *key = file_read(place.key, 65536, NULL, NULL);
    g_autofree char *other_key = file_read(other.key, 65536, NULL, NULL);
    g_autofree char *cut = g_strndup(certificate, 200);
    g_autofree char *bad_chain =
        g_strconcat(certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL);

    write_text(place.key, other_key);
    expect_refused(&place, ORIEL_ERROR_INVALID, "does not belong to it");
    write_text(place.key, "rubbish");
    expect_refused(&place, ORIEL_ERROR_CORRUPT, "not a private key");
    g_assert_cmpint(unlink(place.key), ==, 0);
    expect_refused(&place, ORIEL_ERROR_NOT_FOUND, "key.pem");
    g_autoptr(GError) error = NULL;
    bool made = true;
    g_assert_false(certificate_ensure(place.certificate, place.key, &made, &error));
    g_assert_nonnull(strstr(error->message, "its key"));
    write_text(place.key, key);
    write_text(place.certificate, cut);
    expect_refused(&place, ORIEL_ERROR_CORRUPT, "not a certificate");
    write_text(place.certificate, bad_chain);
    expect_refused(&place, ORIEL_ERROR_CORRUPT, "its chain is damaged");
    write_text(place.certificate, certificate);
    g_autoptr(SSL_CTX) context = certificate_context(place.certificate, place.key, NULL);
    g_assert_nonnull(context);
    place_free(&place);
    place_free(&other);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(secret_init(NULL));
    g_test_add_func("/gateway/certificate/made-once", test_made_once);
    g_test_add_func("/gateway/certificate/crash-after-the-key", test_crash_after_the_key);
    g_test_add_func("/gateway/certificate/refused", test_refused);
    return g_test_run();
}
