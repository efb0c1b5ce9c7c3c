/* What host and guest agent say of people (message "log-on"). Constants only, no GLib, as agent_wire.h. */
#pragma once

#define AGENT_LOG_ON "log-on"
#define AGENT_GROW_HOME "grow-home"

/* "home" of AGENT_LOG_ON */
#define AGENT_HOME_NONE "none" /* no user disk: the session that is there becomes the person's */
#define AGENT_HOME_NEW "new"   /* the user disk may be made a file system of */
#define AGENT_HOME_KEPT "kept" /* it has one, whatever is seen of it */

#define AGENT_DISK_SERIAL "oriel-user"
#define AGENT_ACCOUNT_LONGEST 31 /* bytes of an account's name */
#define AGENT_UID_LEAST 20000    /* below are the image's own accounts, above those that systemd gives out */
#define AGENT_UID_MOST 59999
#define AGENT_WARNINGS_MOST 4

/* Machines that several people share: "seats" of "ready" says how many can sit there at once, "seat" of others is one of them. */
#define AGENT_SEATS_MOST 26
