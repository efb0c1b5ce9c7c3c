/* Every bound on what a person, a client or a guest can make us do. One name each, used wherever it holds. */
#pragma once

#define LIMIT_REQUEST_BODY (1024 * 1024)     /* bytes of an API request body */
#define LIMIT_REQUEST_BODY_SMALL (16 * 1024) /* of one that says nothing of who sends it, or that needs none */
#define LIMIT_REQUEST_BODIES (64 * 1024 * 1024) /* bytes that larger bodies than that may hold together */
#define LIMIT_PIECES (64 * 1024 * 1024)      /* bytes of pieces of files that wait for clients to take them, together */
#define LIMIT_REQUEST_HEADER (16 * 1024)     /* bytes of all headers of a request */
#define LIMIT_PAGE 500                       /* rows of a list in one answer */
#define LIMIT_PAGE_DEFAULT 100
#define LIMIT_NAME 63                        /* bytes of the name of a pool, image, group, user */
#define LIMIT_PASSWORD 1024                  /* bytes; shortest is LIMIT_PASSWORD_SHORTEST characters */
#define LIMIT_PASSWORD_SHORTEST 10
#define LIMIT_API_CONNECTIONS 4096           /* open connections to orield */
#define LIMIT_API_CONNECTIONS_CLIENT 256     /* of one client address; of IPv6 its /64 */
#define LIMIT_API_QUEUE 1024                 /* requests that wait for a worker, in each lane */
#define LIMIT_API_SLOW_USER 8                /* slow calls of one plain user at a time, and as many clicks */
#define LIMIT_DENIALS 4096                   /* users and calls whose refusals are counted; then older counts go */
#define LIMIT_EVENT_STREAMS 512              /* open server-sent event streams */
#define LIMIT_EVENT_STREAMS_USER 64          /* of one user: pages, consoles and scripts of all browsers */
#define LIMIT_TOKENS_USER 100                /* API tokens of one user */
#define LIMIT_STREAM_QUEUE 256               /* events that wait for one slow stream; then it reads all again */
#define LIMIT_TEXT 200                       /* bytes of a display name, description or other line of text */
#define LIMIT_TIME_MS 253402300799999        /* the last millisecond of the year 9999: a time in a query */
#define LIMIT_REQUEST_SECONDS 30             /* a request must have arrived whole by then (slow-loris) */
#define LIMIT_DESKTOPS_POOL 2000
#define LIMIT_POOLS 1000
#define LIMIT_PLANS 1000
#define LIMIT_ICON (64 * 1024)              /* bytes of the picture of a tile */
#define LIMIT_ICON_SIDE 512                 /* its pixels each way */
#define LIMIT_APPLICATION 500                /* bytes of the command line of an application pool */
#define LIMIT_RECHECK_MS (10 * 60 * 1000LL)  /* people of a directory who use Oriel are looked up there so often */
#define LIMIT_RECHECK_ROUNDS 10              /* in that time: each looks up one in so many of those who are logged in */
#define LIMIT_RECHECK_LEAST 20               /* or so many, if that is more */
#define LIMIT_RECHECK_PEOPLE 100000          /* of whom it is known when that was */
#define LIMIT_RECHECK_WAITING 1000           /* who wait to be looked up; others are later */
#define LIMIT_KIOSKS 1000
#define LIMIT_KIOSK_LOGINS 1000              /* open logins of one kiosk, which may be many devices */
#define LIMIT_KIOSK_LOGINS_ADDRESS 100       /* of them that one address (of IPv6: /64) has in any case ... */
#define LIMIT_KIOSK_LOGINS_CROWD 500         /* ... and while there are fewer in all it may have more: a site behind one address */
#define LIMIT_KIOSK_UNUSED_MS (10 * 60 * 1000LL) /* a login that shows nothing and was not used for so long makes room for another */
#define LIMIT_DIRECTORIES 32
#define LIMIT_DIRECTORY_SETTINGS (128 * 1024) /* bytes of a directory's settings as text: certificates are among them */
#define LIMIT_DIRECTORY_SECRET 4096          /* bytes of its bind password or client secret */
#define LIMIT_PROVIDER_ANSWER (512 * 1024)   /* bytes of an answer of an OpenID provider */
#define LIMIT_PROVIDER_KEYS 64               /* keys of one that are looked at */
#define LIMIT_PROVIDER_GROUPS 1000           /* groups that one says of a person */
#define LIMIT_PROVIDER_LOGINS 65536          /* log-ins finished in ten minutes, good or bad */
#define LIMIT_PROVIDER_LOGINS_ADDRESS 256    /* of them from one address (of IPv6: /64) */
#define LIMIT_ID_TOKEN (64 * 1024)           /* bytes of an ID token */
#define LIMIT_DIRECTORY_TEXT 1024            /* bytes of one line of them */
#define LIMIT_DIRECTORY_GROUPS 5000          /* of a directory that one person is in */
#define LIMIT_DIRECTORY_ASKERS 12            /* log-ins and tests that wait for directories at a time */
#define LIMIT_PLAN_MINUTES (366 * 24 * 60)   /* longest time of a plan */
#define LIMIT_PLAN_SETTINGS (64 * 1024)      /* bytes of a plan's settings as text */
#define LIMIT_APPLY_FILE (4 * 1024 * 1024)   /* bytes of a file of declarations */
#define LIMIT_APPLY_DEPTH 32                 /* levels of it */
#define LIMIT_POLICIES 1000
#define LIMIT_POLICY_LIST 200                /* users, groups, pools or addresses that one policy names */
#define LIMIT_POLICY_EDGES 500               /* moments of a week at which a change of policies is tried on its author */
#define LIMIT_SCHEDULE_WINDOWS 64
#define LIMIT_SCREEN_LEAST 320                /* pixels of width and height that a plan may limit a screen to */
#define LIMIT_SCREEN 16384
#define LIMIT_BANDWIDTH_LEAST_KBIT_S 64       /* that a plan may limit a display to: what a still text screen can be worked with */
#define LIMIT_BANDWIDTH_KBIT_S 65000
#define LIMIT_USERS_DESKTOP 100              /* people that one desktop may be assigned to */
#define LIMIT_SESSIONS_USER 16              /* desktops of one floating pool that one person may have at a time */
#define LIMIT_SEATS 26                        /* people who work on one shared machine; a virtio-serial port each */
#define LIMIT_WAKE_MS (3 * 60 * 1000)         /* a machine that was sent Wake-on-LAN answers by then */
#define LIMIT_DISPLAYS_WAITING 48            /* displays that wait for their guests at a time: others still have room to be opened */
#define LIMIT_DISPLAYS_WAITING_DESKTOP 2     /* of them of one desktop */
#define LIMIT_PICTURE_PIXELS (16 * 1024 * 1024) /* of a screen that a guest's VNC server shows, for a thumbnail of it: 4096 × 4096 */
#define LIMIT_TICKET_MS 30000                /* life of a display ticket */
#define LIMIT_TICKET_FILE_MS 120000          /* of one in a file for a native client, which a person opens */
#define LIMIT_AGENT_LINE (64 * 1024)         /* bytes of one message of the guest's agent */
#define LIMIT_AGENT_IDLE_MS (366LL * 24 * 3600 * 1000) /* longest time without input that it may tell of */
#define LIMIT_SHADOW_ASK_MS 30000             /* a person is asked for so long whether somebody may look on, and a leave is good for so long */
#define LIMIT_PEOPLE_FOUND 50                 /* people in one answer of the help desk's search */
#define LIMIT_HELP_GROUPS 100                 /* groups that one help desk is limited to */
#define LIMIT_MESSAGE 2000                   /* bytes of a message to somebody's screen */
#define LIMIT_MESSAGES_SESSION 20             /* of one session that wait to be closed by its person; older ones make way */
#define LIMIT_LOG_ON_STEPS 24                /* of one log-on that are kept */
#define LIMIT_HOME_LEAST (64 * 1024 * 1024ULL) /* bytes of a user disk */
#define LIMIT_HOME_MOST (64ULL << 40)
#define LIMIT_QMP_LINE (16 * 1024 * 1024)    /* bytes of one QMP message */
#define LIMIT_RECIPE (256 * 1024)            /* bytes of a recipe */
#define LIMIT_MANIFEST (1024 * 1024)         /* bytes of a manifest or template.json */
#define LIMIT_GATEWAYS 16                   /* that tell one orield of displays */
#define LIMIT_GATEWAY_CLIENTS 16384          /* open client connections of one gateway */
#define LIMIT_GATEWAY_CLIENTS_ADDRESS 1024   /* of one client address (a reverse proxy counts as one) */
#define LIMIT_GATEWAY_HANDSHAKE_SECONDS 10   /* from accept to the end of the TLS handshake (slow-loris) */
#define LIMIT_GATEWAY_SILENCE_MS 1000        /* who says nothing for so long while a VNC client is expected is greeted as one */
#define LIMIT_GATEWAY_FIRST_BYTE_SECONDS 60  /* from there to the first byte of a request (browsers open spares) */
#define LIMIT_GATEWAY_IDLE_SECONDS 300       /* without a byte either way, not upgraded; event streams must say something */
#define LIMIT_GATEWAY_STALL_SECONDS 120      /* bytes wait for a client that takes none */
#define LIMIT_GATEWAY_PING_SECONDS 30        /* of silence, then a display is pinged (proxies drop idle connections) */
#define LIMIT_GATEWAY_SILENT_SECONDS 120     /* a display whose client has not been heard for so long is dead */
#define LIMIT_GATEWAY_CLOSE_SECONDS 5        /* a client has so long to close after we did */
#define LIMIT_GATEWAY_HALF_SECONDS 30        /* the answer has so long after the client's half of HTTP ended */
#define LIMIT_GATEWAY_MESSAGE (4 * 1024 * 1024) /* bytes of one WebSocket message from a client */
#define LIMIT_GATEWAY_WAITING (192 * 1024)   /* bytes that wait for one client or its display */
#define LIMIT_BOOT_QUIET_MS (10 * 60 * 1000) /* an image's first boot without any sign of progress */
#define LIMIT_BOOT_MS (60 * 60 * 1000)       /* an image's first boot, whatever it does */
#define LIMIT_SYSLOG_DATAGRAM 8192           /* bytes of an event sent as one datagram; then its message is cut */
#define LIMIT_SYSLOG_STREAM (256 * 1024)     /* the same over a stream */
#define LIMIT_WEBHOOK_SECRET 4096            /* bytes of event_webhook_secret_file */
#define LIMIT_JOB_LOG (4 * 1024 * 1024)      /* bytes of a job's log that are kept */
