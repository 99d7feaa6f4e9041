#include "app/descriptors_internal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct descriptor_share divide(size_t workers, size_t limit)
{
    const struct descriptor_plan plan = {
        .connections = 9000, .handshakes = 500, .workers = workers, .addresses = 1};
    return descriptors_divide(&plan, limit);
}

Test(descriptors, enough_for_all)
{
    /* 24 of the process, 5 of each worker, 64 in reserve; 18,000 and twice 500 for clients */
    struct descriptor_share share = divide(2, 98 + 18000 + 1000);
    cr_expect_eq(share.ceiling, 98 + 18000 + 1000 - 64);
    cr_expect_eq(share.sessions, 4500 + 500);
}

Test(descriptors, strangers_have_a_quarter_at_most)
{
    struct descriptor_share share = divide(2, 98 + 2 * 400);
    cr_expect_eq(share.sessions, 100 + 300 / 2);
}

Test(descriptors, where_there_are_few_half_are_the_reserve)
{
    /* 24 of the process and 5 of the worker */
    cr_expect_eq(divide(1, 29 + 129).ceiling, 29 + 129 - 64);
    cr_expect_eq(divide(1, 29 + 128).ceiling, 29 + 64);
    cr_expect_eq(divide(1, 29 + 127).ceiling, 29 + 64);
    cr_expect_eq(divide(1, 29 + 126).ceiling, 29 + 63);
    cr_expect_eq(divide(1, 29 + 64).ceiling, 29 + 32);
}

Test(descriptors, every_worker_may_have_one)
{
    const struct descriptor_plan plan = {
        .connections = 9000, .handshakes = 500, .workers = 64, .addresses = 1};
    size_t minimum = descriptors_minimum(&plan);
    cr_expect_eq(minimum, 24 + 64 * 5 + 64);
    cr_expect_eq(descriptors_divide(&plan, minimum).sessions, 1);
}

Test(descriptors, the_limit_is_raised_as_far_as_it_goes)
{
    struct rlimit limit;
    const struct descriptor_plan small = {.connections = 1, .workers = 1};
    const struct descriptor_plan large = {.connections = 10000000, .workers = 1};

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 50;
    limit.rlim_max = 300;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_expect_eq(descriptors_raise(&small), 2 + 64 + 28, "as many as are needed");
    int log = open("/dev/null", O_WRONLY);
    dup2(log, STDERR_FILENO);
    close(log);
    cr_expect_eq(descriptors_raise(&large), 300);
    cr_expect_eq(descriptors_raise(&small), 300, "never lowered");
}

static int lowest_free(void)
{
    int lowest = dup(STDERR_FILENO);
    close(lowest);
    return lowest;
}

Test(descriptors, spares_are_held_and_given_up)
{
    struct descriptor_spares spares;
    struct rlimit limit;
    int lowest = lowest_free();

    descriptors_take_spares(&spares, STDERR_FILENO);
    struct descriptor_spares held = spares;
    for (size_t i = 0; i < DESCRIPTORS_SPARE; i++) {
        cr_expect_eq(fcntl(held.numbers[i], F_GETFD), FD_CLOEXEC);
        cr_expect(i == 0 || held.numbers[i] > held.numbers[i - 1]);
    }
    descriptors_free_spares(&spares);
    for (size_t i = 0; i < DESCRIPTORS_SPARE; i++) {
        cr_expect_lt(fcntl(held.numbers[i], F_GETFD), 0);
    }
    cr_expect_eq(lowest_free(), lowest);
    descriptors_free_spares(&spares);
    cr_expect_geq(fcntl(STDERR_FILENO, F_GETFD), 0, "it closed another one");

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest + 1;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_take_spares(&spares, STDERR_FILENO);
    cr_expect_eq(spares.numbers[0], lowest);
    cr_expect_eq(spares.numbers[1], -1, "what could not be had");
    descriptors_free_spares(&spares);
    cr_expect_eq(lowest_free(), lowest);
}
