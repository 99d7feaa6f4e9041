/* Feeds files to a fuzz target, each once: replay_<what> FILE-OR-FOLDER... Nothing else is needed,
 * so the corpora are run through by whatever compiler and sanitizer the build has. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

#define PATH_SIZE 4096

static size_t feed_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status;

    FUZZ_CHECK(file != NULL && fstat(fileno(file), &status) == 0);
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size + 1);
    FUZZ_CHECK(data != NULL && fread(data, 1, size, file) == size);
    fclose(file);
    /* Said before, so that a crash has a name. */
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static size_t feed_folder(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    size_t fed = 0;

    FUZZ_CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        char name[PATH_SIZE];

        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        fed += entries[i]->d_name[0] != '.' ? feed_file(name) : 0;
        free(entries[i]);
    }
    free(entries);
    return fed;
}

int main(int argc, char **argv)
{
    size_t fed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat status;

        FUZZ_CHECK(stat(argv[i], &status) == 0);
        fed += S_ISDIR(status.st_mode) ? feed_folder(argv[i]) : feed_file(argv[i]);
    }
    printf("%zu inputs\n", fed);
    return fed > 0 ? 0 : 1;
}
