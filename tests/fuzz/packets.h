/* Packets that a fuzzer would take long to find. */
#ifndef MOAT_TESTS_FUZZ_PACKETS_H
#define MOAT_TESTS_FUZZ_PACKETS_H

#include "moat/base/bytes.h"

#define PACKET(text)                                                                               \
    {                                                                                              \
        .data = (const uint8_t *)(text), .size = sizeof(text) - 1                                  \
    }

static const struct slice client_packets[] = {
    PACKET("\x10\x11\0\4MQTT\4\2\0\x3C\0\5guest"),
    PACKET("\x10\x12\0\4MQTT\5\2\0\x3C\0\0\5guest"),
    PACKET("\x10\x11\0\4MQTT\4\2\0\x3C\0\5topic"),
    PACKET("\x10\x12\0\4MQTT\5\2\0\x3C\0\0\5topic"),
    PACKET("\x10\x11\0\4MQTT\4\2\0\x3C\0\5small"),
    PACKET("\x10\x12\0\4MQTT\4\2\0\x3C\0\6banned"),
    PACKET("\x10\x1A\0\4MQTT\4\xC2\0\x3C\0\1x\0\3bob\0\6secret"),
    PACKET("\x10\x1A\0\4MQTT\4\xC2\0\x3C\0\1x\0\3bob\0\6Secret"),
    PACKET("\x30\7\0\3a/bhi"),
    PACKET("\x30\7\0\3b/bhi"),
    PACKET("\x30\x0B\0\3a/b\3\x23\0\1hi"),
    PACKET("\x30\7\0\0\3\x23\0\1"),
    PACKET("\x82\x08\0\1\0\3a/#\0"),
    PACKET("\x82\x09\0\1\0\0\3b/#\0"),
    PACKET("\xC0\0"),
    PACKET("\xE0\0"),
    PACKET("\x10\x0C\0\4MQTT\4\2\0\0\0\0"),
    PACKET("\x10\xFF\xFF\xFF\xFF"),
};

static const struct slice upstream_packets[] = {
    PACKET("\x20\2\0\0"),           PACKET("\x20\3\0\0\0"), PACKET("\x30\7\0\3a/bhi"),
    PACKET("\x90\3\0\1\0"),         PACKET("\xD0\0"),       PACKET("\xE0\2\x8B\0"),
    PACKET("\x10\2\0\0"),           PACKET("\x20\2\0\5"),   PACKET("\x30\xFF\xFF\xFF\x7F\0\1a"),
    PACKET("\x30\xFF\xFF\xFF\xFF"),
};

#endif
