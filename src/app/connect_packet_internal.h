/*
 * The CONNECT that a described client would send.
 *
 * The gate never writes one. This is for judging a question by the gate's own parser, so
 * that every limit and every clause counts as it would on the wire.
 */
#ifndef MOAT_APP_CONNECT_PACKET_INTERNAL_H
#define MOAT_APP_CONNECT_PACKET_INTERNAL_H

#include "moat/config/question.h"

/* Appends to `packet`. False past its ceiling or without memory, or when a text is longer than a
 * field of MQTT can be. */
bool connect_packet_write(const struct question *question, struct buffer *packet) MOAT_MUST_CHECK;

/* More than any CONNECT of five fields of 64 KiB. */
#define CONNECT_PACKET_MAX (6u * 65536)

#endif
