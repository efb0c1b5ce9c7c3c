#include "gateway/answers.h"

const char answer_unavailable[] =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Length: 299\r\n"
    "Retry-After: 3\r\n"
    "Cache-Control: no-store\r\n"
    "Content-Security-Policy: default-src 'none'\r\n"
    "Connection: close\r\n"
    "\r\n"
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\""
    "width=device-width\"><meta http-equiv=\"refresh\" content=\"3\"><title>Oriel</title><h1>O"
    "ne moment</h1><p>Oriel is starting or being updated. This page tries again by itself"
    ". Desktops that are open stay open.</p></html>\n";

const char answer_speak_https[] = "HTTP/1.1 400 Bad Request\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Content-Length: 56\r\n"
                                  "Connection: close\r\n"
                                  "\r\n"
                                  "This port speaks HTTPS: begin the address with https://\n";
