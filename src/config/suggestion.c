/* "Did you mean": the edit distance that counts a swap of two neighbours as one slip. */
#include "values_internal.h"

#define WORD_MAX 40 /* characters; longer texts are no slip of a known word */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t cost[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= a_size; i++) {
        cost[i][0] = i;
    }
    for (size_t j = 0; j <= b_size; j++) {
        cost[0][j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        for (size_t j = 1; j <= b_size; j++) {
            size_t changed = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            cost[i][j] = least(changed, least(cost[i - 1][j], cost[i][j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) {
                cost[i][j] = least(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a_size][b_size];
}

void suggestion_init(struct suggestion *suggestion, const char *text)
{
    /* About a third of the characters may be wrong, and always one: "adres", "prot". */
    size_t allowed = (strlen(text) + 1) / 3;
    suggestion->text = text;
    suggestion->best = NULL;
    suggestion->best_distance = allowed < 1 ? 2 : allowed + 1;
}

void suggestion_offer(struct suggestion *suggestion, const char *word)
{
    size_t text_size = strlen(suggestion->text);
    size_t word_size = strlen(word);
    if (text_size == 0 || text_size > WORD_MAX || word_size > WORD_MAX) {
        return;
    }
    size_t found = distance(suggestion->text, text_size, word, word_size);
    if (found < suggestion->best_distance) {
        suggestion->best = word;
        suggestion->best_distance = found;
    }
}
