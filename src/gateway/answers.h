/* The two answers that the gateway gives itself. Fixed bytes: it neither reads nor writes HTTP otherwise. */
#pragma once

/* orield does not answer: a page that tries again by itself. */
extern const char answer_unavailable[];

/* Somebody speaks plain HTTP to the TLS port. */
extern const char answer_speak_https[];
