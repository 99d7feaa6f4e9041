/* moat: picks the subcommand. Everything else is in the library. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "moat/app/commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"run", command_run, "serve: TLS and policy in front of an MQTT broker"},
    {"check", command_check, "find every fault of a configuration and of the files it names"},
    {"explain", command_explain, "say which rule decides on a client, why, and what it is told"},
    {"passwd", command_passwd, "add, change or delete a user of a password file"},
    {"init", command_init, "make a CA, a server certificate, a user and a configuration"},
    {"healthcheck", command_healthcheck, "ask the running gate whether it is well"},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_usage(FILE *stream)
{
    fputs("Usage: moat COMMAND [OPTION]...\n"
          "\n"
          "Moat stands in front of a plaintext MQTT broker: clients speak TLS and prove who\n"
          "they are, the broker sees only those who may come in.\n"
          "\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        fprintf(stream, "  %-11s %s\n", commands[i].name, commands[i].what);
    }
    fputs("\n"
          "  --version   print the version and exit\n"
          "  --help      print this and exit; also after a command\n",
          stream);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return EX_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("moat %s\n", MOAT_VERSION);
        return EX_OK;
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "moat: there is no command \"%s\"\n\n", argv[1]);
    print_usage(stderr);
    return EX_USAGE;
}
