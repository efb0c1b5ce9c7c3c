#include "gateway/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"

void channel_init(Channel *channel, const char *path)
{
    *channel = (Channel){.side = {.kind = WATCH_CHANNEL, .fd = -1}, .path = path};
}

void channel_close(Channel *channel)
{
    side_close(&channel->side);
    channel->held_length = 0;
}

bool channel_open(Channel *channel, int epoll)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (channel->side.fd >= 0 || strlen(channel->path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, channel->path, strlen(channel->path) + 1);
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        !side_open(&channel->side, epoll, fd))
        return false;
    fd_steal(&fd);
    return true;
}

void channel_tell(Channel *channel, DisplayPacketKind kind, const char *id)
{
    uint8_t bytes[DISPLAY_PACKET];
    DisplayPacket packet = {.kind = kind};
    if (channel->side.fd < 0)
        return;
    g_strlcpy(packet.id, id, sizeof packet.id);
    display_packet_write(&packet, bytes);
    if (!side_send(&channel->side, bytes, sizeof bytes, (size_t)LIMIT_GATEWAY_CLIENTS * DISPLAY_PACKET))
        channel_close(channel);
}

/* One read's bytes, cut into packets. false: orield says nonsense. */
static bool packets_take(Channel *channel, const uint8_t *bytes, size_t length,
                         void (*take)(const DisplayPacket *packet, void *data), void *data)
{
    while (length > 0) {
        size_t part = MIN(length, sizeof channel->held - channel->held_length);
        memcpy(channel->held + channel->held_length, bytes, part);
        channel->held_length += part;
        bytes += part;
        length -= part;
        if (channel->held_length < sizeof channel->held)
            return true;
        DisplayPacket packet;
        channel->held_length = 0;
        if (!display_packet_read(channel->held, &packet))
            return false;
        take(&packet, data);
    }
    return true;
}

void channel_pump(Channel *channel, void (*take)(const DisplayPacket *packet, void *data), void *data)
{
    Side *side = &channel->side;
    uint8_t bytes[16 * DISPLAY_PACKET];
    bool moved;
    if (side->fd >= 0 && side->waiting && !side_flush(side, &moved))
        channel_close(channel);
    while (side->fd >= 0 && side->readable) {
        ssize_t got = recv(side->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN) {
            side->readable = false;
            return;
        }
        if (got <= 0 || !packets_take(channel, bytes, (size_t)got, take, data)) {
            if (got > 0)
                log_warning("orield said of displays what the gateway does not understand: are both of one version?");
            channel_close(channel);
        }
    }
}
