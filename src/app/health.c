#include "health_internal.h"

#include <stdio.h>

bool health_is_live(const struct health *health, uint64_t now_ms, char out_text[HEALTH_TEXT_SIZE])
{
    for (size_t i = 0; i < health->worker_count; i++) {
        uint64_t silence_ms = worker_silence_ms(&health->workers[i], now_ms);
        if (silence_ms > WORKER_SILENCE_MAX_MS) {
            snprintf(out_text, HEALTH_TEXT_SIZE, "worker %zu has not turned for %llu s\n", i,
                     (unsigned long long)(silence_ms / 1000));
            return false;
        }
    }
    snprintf(out_text, HEALTH_TEXT_SIZE, "ok\n");
    return true;
}

bool health_is_ready(const struct health *health, uint64_t now_ms, char out_text[HEALTH_TEXT_SIZE])
{
    if (health->is_draining) {
        snprintf(out_text, HEALTH_TEXT_SIZE, "draining\n");
        return false;
    }
    if (!health->is_listening) {
        snprintf(out_text, HEALTH_TEXT_SIZE, "starting\n");
        return false;
    }
    if (!health_is_live(health, now_ms, out_text)) {
        return false;
    }
    /* A person can read it, and Prometheus: asked for a metric, a gate that is ready has one. */
    snprintf(out_text, HEALTH_TEXT_SIZE, "moat_ready 1\n");
    return true;
}
