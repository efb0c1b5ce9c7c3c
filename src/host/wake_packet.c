#include "host/wake_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

static const uint16_t discard_port = 9;

bool wake_mac_parse(const char *text, uint8_t ret_mac[6], GError **error)
{
    uint8_t mac[6] = {0};
    bool good = strlen(text) == 17;
    for (int i = 0; good && i < 6; i++) {
        int high = g_ascii_xdigit_value(text[3 * i]), low = g_ascii_xdigit_value(text[3 * i + 1]);
        good = high >= 0 && low >= 0 && (i == 5 || text[3 * i + 2] == ':' || text[3 * i + 2] == '-');
        mac[i] = good ? (uint8_t)(high << 4 | low) : 0;
    }
    if (!good || (mac[0] & 1))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "\"%s\" is no network card's address; it is six pairs of hex digits, as 52:54:00:12:34:56", text);
    memcpy(ret_mac, mac, sizeof mac);
    return true;
}

void wake_packet(const uint8_t mac[6], uint8_t ret[WAKE_PACKET_BYTES])
{
    memset(ret, 0xff, 6);
    for (int i = 0; i < 16; i++)
        memcpy(ret + 6 + 6 * i, mac, 6);
}

static void send_to(const uint8_t *packet, const struct sockaddr *address, socklen_t length)
{
    int one = 1;
    autofd int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one) == 0 &&
                sendto(fd, packet, WAKE_PACKET_BYTES, MSG_DONTWAIT, address, length) == WAKE_PACKET_BYTES;
    if (!sent)
        log_debug("a Wake-on-LAN packet was not sent: %s", g_strerror(errno));
}

static void send_to_networks(const uint8_t *packet)
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (!one->ifa_broadaddr || !(one->ifa_flags & IFF_BROADCAST) || one->ifa_broadaddr->sa_family != AF_INET)
            continue;
        struct sockaddr_in to = *(const struct sockaddr_in *)(const void *)one->ifa_broadaddr;
        to.sin_port = htons(discard_port);
        send_to(packet, (const struct sockaddr *)&to, sizeof to);
    }
    freeifaddrs(all);
}

void wake_send(const uint8_t mac[6], const char *address)
{
    uint8_t packet[WAKE_PACKET_BYTES];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found = NULL;
    wake_packet(mac, packet);
    send_to_networks(packet);
    if (getaddrinfo(address, "9", &hints, &found) != 0)
        return;
    for (const struct addrinfo *one = found; one; one = one->ai_next)
        send_to(packet, one->ai_addr, one->ai_addrlen);
    freeaddrinfo(found);
}
