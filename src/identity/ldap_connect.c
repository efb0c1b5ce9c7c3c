#include "identity/ldap_connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openldap.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "identity/ldap_guard.h"

#define SYSTEM_CERTIFICATES "/etc/ssl/certs/ca-certificates.crt"

typedef struct addrinfo Addresses;
static void addresses_free(Addresses *addresses)
{
    freeaddrinfo(addresses);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Addresses, addresses_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LDAPURLDesc, ldap_free_urldesc)

typedef struct {
    const LDAPURLDesc *url;
    bool loopback; /* what we are connected to */
} Target;

static int wait_ms(const LdapLink *link)
{
    int64_t left = link->ask->deadline_ms - clock_monotonic_ms();
    return (int)CLAMP(left, 0, link->ask->settings->timeout_seconds * 1000);
}

/* ---- an address, a connection ---- */

static Addresses *resolve(LdapLink *link, const Target *target, GError **error)
{
    g_autofree char *port = g_strdup_printf("%d", target->url->lud_port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    ldap_step_begin(link);
    int code = getaddrinfo(target->url->lud_host, port, &hints, &found);
    if (code == 0 && found) {
        ldap_step_end(link, "resolve", true, "%s has an address", target->url->lud_host);
        return found;
    }
    const char *why = code == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(code);
    ldap_step_end(link, "resolve", false, "%s has no address: %s", target->url->lud_host, why);
    oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: its name has no address: %s", link->server, why);
    return NULL;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* -1 with errno. */
static int connect_one(LdapLink *link, const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failure = 0;
    socklen_t length = sizeof failure;
    if (fd < 0)
        return -1;
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        struct pollfd ready = {fd, POLLOUT, 0};
        failure = errno;
        if (failure == EINPROGRESS) {
            failure = ETIMEDOUT;
            if (poll(&ready, 1, wait_ms(link)) == 1)
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length);
        }
    }
    if (failure == 0 && fcntl(fd, F_SETFL, 0) == 0)
        return fd;
    close(fd);
    errno = failure ? failure : EIO;
    return -1;
}

static int connect_any(LdapLink *link, Target *target, GError **error)
{
    g_autoptr(Addresses) addresses = resolve(link, target, error);
    int failure = EADDRNOTAVAIL;
    if (!addresses)
        return -1;
    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        int fd = connect_one(link, at);
        failure = fd < 0 ? errno : 0;
        if (fd < 0)
            continue;
        target->loopback = is_loopback(at->ai_addr);
        ldap_step_end(link, "connect", true, "%s answers at port %d", target->url->lud_host, target->url->lud_port);
        return fd;
    }
    ldap_step_end(link, "connect", false, "%s does not answer at port %d: %s", target->url->lud_host, target->url->lud_port,
                  g_strerror(failure));
    oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: does not answer: %s", link->server, g_strerror(failure));
    return -1;
}

/* ---- TLS ---- */

/* The authorities as a file without a name: libldap reads them by path. -1 where the system's are meant. */
static bool certificates_open(const LdapSettings *settings, int *ret_fd, GError **error)
{
    *ret_fd = -1;
    if (!settings->certificates)
        return true;
    autofd int fd = memfd_create("ldap-certificates", MFD_CLOEXEC);
    size_t length = strlen(settings->certificates);
    if (fd < 0 || write(fd, settings->certificates, length) != (ssize_t)length)
        return oriel_fail_errno(error, errno, "certificates of a directory");
    *ret_fd = fd;
    fd = -1;
    return true;
}

static int tls_start(LdapLink *link, const Target *target, int demand, int certificates_fd)
{
    int minimum = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2, client = 0;
    g_autofree char *own = g_strdup_printf("/proc/self/fd/%d", certificates_fd);
    const char *path = certificates_fd < 0 ? SYSTEM_CERTIFICATES : own;
    ldap_set_option(link->ld, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    ldap_set_option(link->ld, LDAP_OPT_X_TLS_CACERTDIR, NULL);
    ldap_set_option(link->ld, LDAP_OPT_X_TLS_CACERTFILE, path);
    ldap_set_option(link->ld, LDAP_OPT_X_TLS_PROTOCOL_MIN, &minimum);
    int code = ldap_set_option(link->ld, LDAP_OPT_X_TLS_NEWCTX, &client);
    if (code != LDAP_OPT_SUCCESS)
        return LDAP_CONNECT_ERROR;
    if (strcmp(target->url->lud_scheme, "ldaps") == 0)
        return ldap_install_tls(link->ld);
    return ldap_start_tls_s(link->ld, NULL, NULL);
}

static X509 *peer_certificate(LdapLink *link)
{
    struct berval der = {0};
    if (ldap_get_option(link->ld, LDAP_OPT_X_TLS_PEERCERT, &der) != LDAP_OPT_SUCCESS || !der.bv_val)
        return NULL;
    const unsigned char *at = (const unsigned char *)der.bv_val;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.bv_len);
    ERR_clear_error();
    ber_memfree(der.bv_val);
    return certificate;
}

static char *name_text(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    long length = BIO_get_mem_data(bio, &text);
    char *copy = g_strndup(text, length > 0 ? (size_t)length : 0);
    BIO_free(bio);
    return copy;
}

/* Subject, issuer and expiry. */
static char *certificate_text(const X509 *certificate)
{
    struct tm end = {0};
    char day[32] = "?";
    g_autofree char *subject = name_text(X509_get_subject_name(certificate));
    g_autofree char *issuer = name_text(X509_get_issuer_name(certificate));
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end))
        strftime(day, sizeof day, "%Y-%m-%d", &end);
    return g_strdup_printf("certificate of %s, issued by %s, good until %s", subject, issuer, day);
}

static bool fits_host(X509 *certificate, const char *host)
{
    return X509_check_host(certificate, host, 0, 0, NULL) == 1 || X509_check_ip_asc(certificate, host, 0) == 1;
}

static const char *certificate_fault(X509 *certificate, const char *host)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return "it has expired";
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return "it is not good yet: are the clocks apart?";
    if (!fits_host(certificate, host))
        return "it is for another host";
    return "no authority that the settings name (or the system knows) has signed it";
}

static bool link_attach(LdapLink *link, int fd, GError **error)
{
    int version = LDAP_VERSION3, never = LDAP_DEREF_NEVER;
    link->guard = ldap_guard_new(fd, clock_monotonic_ms() + wait_ms(link));
    int code = ldap_init_fd(fd, LDAP_PROTO_TCP, link->server, &link->ld);
    if (code != LDAP_SUCCESS) {
        close(fd);
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "server %s: %s", link->server, ldap_err2string(code));
    }
    ldap_set_option(link->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(link->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(link->ld, LDAP_OPT_DEREF, &never);
    ldap_set_option(link->ld, LDAP_OPT_RESTART, LDAP_OPT_ON);
    int left = MAX(wait_ms(link), 1);
    struct timeval time = {left / 1000, left % 1000 * 1000};
    ldap_set_option(link->ld, LDAP_OPT_TIMEOUT, &time);
    ldap_set_option(link->ld, LDAP_OPT_NETWORK_TIMEOUT, &time);
    return true;
}

/* Why it was refused, for somebody who looks: once more, without verifying, and nothing is sent. */
static char *tls_look(LdapLink *link, const Target *target)
{
    LdapAsk silent = *link->ask;
    silent.steps = NULL;
    g_auto(LdapLink) second = {.ask = &silent, .server = link->server};
    Target again = *target;
    int fd = connect_any(&second, &again, NULL);
    if (fd < 0 || !link_attach(&second, fd, NULL) || tls_start(&second, &again, LDAP_OPT_X_TLS_NEVER, -1) != LDAP_SUCCESS)
        return NULL;
    g_autoptr(X509) certificate = peer_certificate(&second);
    g_autofree char *text = certificate ? certificate_text(certificate) : NULL;
    return text ? g_strdup_printf("%s: %s", text, certificate_fault(certificate, target->url->lud_host)) : NULL;
}

static bool secure(LdapLink *link, const Target *target, GError **error)
{
    autofd int certificates_fd = -1;
    if (!certificates_open(link->ask->settings, &certificates_fd, error))
        return false;
    int code = tls_start(link, target, LDAP_OPT_X_TLS_DEMAND, certificates_fd);
    if (code == LDAP_SUCCESS) {
        g_autoptr(X509) certificate = peer_certificate(link);
        g_autofree char *text = certificate ? certificate_text(certificate) : g_strdup("the certificate was verified");
        ldap_step_end(link, "tls", true, "%s", text);
        return true;
    }
    char *raw = NULL;
    ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &raw);
    g_autofree char *diagnostic = g_utf8_make_valid(raw && *raw ? raw : ldap_err2string(code), -1);
    ldap_memfree(raw);
    g_autofree char *seen = link->ask->steps ? tls_look(link, target) : NULL;
    ldap_step_end(link, "tls", false, "%s", seen ? seen : diagnostic);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: TLS failed: %s", link->server, seen ? seen : diagnostic);
}

bool ldap_connect_to(LdapLink *link, GError **error)
{
    g_autoptr(LDAPURLDesc) url = NULL;
    if (ldap_url_parse(link->server, &url) != LDAP_URL_SUCCESS || !url->lud_host || !*url->lud_host)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "server %s: is no address of a server", link->server);
    Target target = {.url = url};
    int fd = connect_any(link, &target, error);
    if (fd < 0 || !link_attach(link, fd, error))
        return false;
    bool plain = link->ask->settings->allow_plain && target.loopback && strcmp(url->lud_scheme, "ldap") == 0;
    if (!plain && !secure(link, &target, error))
        return false;
    if (plain)
        ldap_step_end(link, "tls", true, "none: the settings allow that for a loopback address");
    ldap_guard_extend(link->guard, link->ask->deadline_ms);
    return true;
}
