#include "files.h"

#include "config/document_internal.h"

static struct document document;
static struct config_faults faults;

static void set_up(void)
{
    config_faults_init(&faults);
}

static void tear_down(void)
{
    document_deinit(&document);
    config_faults_deinit(&faults);
}

TestSuite(document, .init = set_up, .fini = tear_down);

static bool parse(const char *text)
{
    document_deinit(&document);
    config_faults_deinit(&faults);
    bool is_good = document_parse(slice_from_text(text), "f", &faults, &document);
    show_faults(&faults);
    return is_good;
}

static void expect_place(struct config_place place, unsigned line, unsigned column)
{
    cr_expect_eq(place.line, line, "line %u", place.line);
    cr_expect_eq(place.column, column, "column %u", place.column);
}

Test(document, is_a_tree_with_places)
{
    cr_assert(parse("a: 1\n"
                    "b:\n"
                    "  - x: \"2\"\n"
                    "    y: [c, 'd']\n"
                    "  - {}\n"));
    cr_expect_eq(faults.count, 0);
    cr_expect_eq(document.node_count, 13);
    cr_assert_eq(document.root->kind, NODE_MAP);
    cr_expect_eq(document.root->count, 2);
    const struct node *a = node_get(document.root, "a");
    cr_assert_eq(a->kind, NODE_TEXT);
    cr_expect_str_eq(a->text, "1");
    cr_expect(a->is_plain);
    expect_place(a->key_place, 1, 1);
    expect_place(a->place, 1, 4);
    const struct node *b = node_get(document.root, "b");
    cr_assert_eq(b->kind, NODE_LIST);
    cr_expect_eq(b->count, 2);
    expect_place(b->key_place, 2, 1);
    const struct node *x = node_get(b->first, "x");
    cr_expect_str_eq(x->text, "2");
    cr_expect_not(x->is_plain);
    expect_place(x->place, 3, 8);
    const struct node *y = node_get(b->first, "y");
    cr_expect_str_eq(y->first->text, "c");
    cr_expect(y->first->is_plain);
    cr_expect_str_eq(y->last->text, "d");
    cr_expect_not(y->last->is_plain);
    expect_place(y->last->place, 4, 12);
    cr_expect_eq(b->last->kind, NODE_MAP);
    cr_expect_eq(b->last->count, 0);
    cr_expect_null(node_get(document.root, "c"));
}

Test(document, columns_count_characters)
{
    cr_assert(parse("n\xC3\xA9\xC3\xA9: [\xE2\x82\xAC, b]\n"));
    expect_place(node_get(document.root, "n\xC3\xA9\xC3\xA9")->last->place, 1, 10);
}

Test(document, begins_with_a_byte_order_mark_or_not)
{
    cr_assert(parse("\xEF\xBB\xBF"
                    "a: 1\n"));
    cr_expect_not_null(node_get(document.root, "a"));
}

Test(document, null_is_told_from_text)
{
    cr_assert(parse("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: []\n"));
    cr_expect(node_is_null(node_get(document.root, "a")));
    cr_expect(node_is_null(node_get(document.root, "b")));
    cr_expect(node_is_null(node_get(document.root, "c")));
    cr_expect_not(node_is_null(node_get(document.root, "d")));
    cr_expect_not(node_is_null(node_get(document.root, "e")));
    cr_expect_not(node_is_null(node_get(document.root, "f")));
}

Test(document, keys_written_twice)
{
    cr_assert(parse("a: 1\nb:\n  c: 1\n  \"c\": 2\na: 3\n"));
    cr_expect_eq(faults.error_count, 2);
    EXPECT_ERROR(&faults, 5, 1, "key \"a\" is written twice, first at 1:1");
    EXPECT_ERROR(&faults, 4, 3, "key \"c\" is written twice, first at 3:3");
    cr_expect_str_eq(node_get(document.root, "a")->text, "1");
}

Test(document, anchors_aliases_and_tags)
{
    cr_assert(parse("a: &x 1\nb: *x\nc: !!str 1\nd: !mine {}\ne: &y [1]\nf: ! 1\n"));
    EXPECT_ERROR(&faults, 1, 4, "anchors are not supported; remove \"&x\"");
    EXPECT_ERROR(&faults, 2, 4, "aliases are not supported");
    EXPECT_ERROR(&faults, 3, 4, "tags are not supported");
    EXPECT_ERROR(&faults, 4, 4, "tags are not supported");
    EXPECT_ERROR(&faults, 5, 4, "anchors are not supported");
    EXPECT_ERROR(&faults, 6, 4, "tags are not supported");
    cr_expect_eq(faults.error_count, 6);
    cr_expect_eq(node_get(document.root, "b")->kind, NODE_BROKEN);
}

Test(document, a_billion_laughs_are_nine_faults)
{
    cr_assert(parse("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\n"));
    cr_expect_eq(faults.error_count, 4 + 6);
    cr_expect_leq(document.node_count, 20);
}

Test(document, keys_are_texts)
{
    cr_assert(parse("? [a, b]\n: 1\n? {c: 1}\n: 2\n*x : 3\nd: 4\n") || faults.error_count > 0);
    cr_assert(parse("? [a, b]\n: 1\n? {c: 1}\n: 2\nd: 4\n"));
    cr_expect_eq(faults.error_count, 2);
    EXPECT_ERROR(&faults, 1, 3, "a key must be one text");
    EXPECT_ERROR(&faults, 3, 3, "a key must be one text");
    cr_expect_eq(document.root->count, 1);
}

Test(document, exactly_one_document)
{
    cr_expect(parse("---\na: 1\n...\n"));
    cr_expect_not(parse("a: 1\n---\nb: 1\n"));
    EXPECT_ERROR(&faults, 2, 1, "a second document begins here");
    cr_expect_not(parse(""));
    EXPECT_ERROR(&faults, 0, 0, "holds no configuration");
    cr_expect_not(parse("# nothing\n\n"));
    EXPECT_ERROR(&faults, 0, 0, "holds no configuration");
}

Test(document, control_characters_and_line_breaks)
{
    cr_assert(parse("a: \"x\\0y\"\nb: \"x\\ny\"\nc: |\n  x\nd: \"\\e[31m\"\n\"k\\0\": 1\n"));
    cr_expect_eq(faults.error_count, 5);
    EXPECT_ERROR(&faults, 1, 4, "control characters");
    EXPECT_ERROR(&faults, 2, 4, "control characters");
    EXPECT_ERROR(&faults, 3, 4, "control characters");
    EXPECT_ERROR(&faults, 5, 4, "control characters");
    EXPECT_ERROR(&faults, 6, 1, "control characters");
    cr_expect_eq(node_get(document.root, "a")->kind, NODE_BROKEN);
    cr_expect_eq(document.root->count, 4);
}

Test(document, syntax_errors_have_a_place)
{
    cr_expect_not(parse("a: [1, 2\nb: 3\n"));
    cr_expect_eq(faults.error_count, 1);
    EXPECT_ERROR(&faults, 2, 2, "syntax error: ");
    EXPECT_ERROR(&faults, 2, 2, "that began in line 1");
    cr_expect_not(parse("a:\n\tb: 1\n"));
    EXPECT_ERROR(&faults, 2, 1, "a tab cannot indent; use spaces");
    cr_expect_not(parse("a: 1\n b: 2\n"));
    cr_expect_eq(faults.list[0].place.line, 2);
    cr_expect_not(parse("a: \"x\n"));
    cr_expect_eq(faults.error_count, 1);
    cr_expect_not(parse("a: }\n"));
    EXPECT_ERROR(&faults, 1, 4, "syntax error");
}

Test(document, text_is_utf_8)
{
    cr_expect_not(parse("a: 1\nb: x\xFFy\n"));
    EXPECT_ERROR(&faults, 2, 5, "not plain UTF-8");
    cr_expect_not(parse("a: \xC3\xA9\x80\n"));
    EXPECT_ERROR(&faults, 1, 5, "not plain UTF-8");
    cr_expect_not(parse("\xFF\xFE"
                        "a"));
    EXPECT_ERROR(&faults, 1, 1, "not plain UTF-8");
}

static void nest(unsigned depth, char *text)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
}

Test(document, depth_has_a_limit)
{
    char text[64];
    nest(DOCUMENT_DEPTH_MAX, text);
    cr_expect(parse(text));
    nest(DOCUMENT_DEPTH_MAX + 1, text);
    cr_expect_not(parse(text));
    EXPECT_ERROR(&faults, 1, DOCUMENT_DEPTH_MAX + 1, "nested deeper than 16");
}

static char *list_of(size_t count)
{
    char *text = malloc(2 * count + 3);
    cr_assert_not_null(text);
    size_t used = 0;
    text[used++] = '[';
    for (size_t i = 0; i < count; i++) {
        text[used++] = 'x';
        text[used++] = ',';
    }
    text[used++] = ']';
    text[used] = '\0';
    return text;
}

Test(document, size_has_a_limit)
{
    char *fits = list_of(DOCUMENT_NODES_MAX - 1);
    char *exceeds = list_of(DOCUMENT_NODES_MAX);
    cr_expect(parse(fits));
    cr_expect_eq(document.node_count, DOCUMENT_NODES_MAX);
    cr_expect_not(parse(exceeds));
    cr_expect_eq(faults.error_count, 1);
    cr_expect_not_null(strstr(faults.list[0].what, "more than 10000 values"));
    free(fits);
    free(exceeds);
}

/* A mebibyte of open brackets must end at the depth limit, not in the parser's memory. */
Test(document, brackets_without_end)
{
    char *text = malloc(1048577);
    cr_assert_not_null(text);
    for (const char *open = "[{"; *open != '\0'; open++) {
        memset(text, *open, 1048576);
        text[1048576] = '\0';
        cr_expect_not(parse(text));
    }
    free(text);
}

Test(document, cut_at_every_byte)
{
    static const char whole[] = "---\na: &x [1, \"2\\u00e9\", {b: 'c'}]\nd:\n  - *x\n  - e: |\n"
                                "      f\n    ? g\n    : !t h\n...\n";
    for (size_t size = 0; size < sizeof(whole); size++) {
        /* A copy of exact size, so that the sanitizer sees a read past the end. */
        char *cut = malloc(size + 1);
        cr_assert_not_null(cut);
        memcpy(cut, whole, size);
        document_deinit(&document);
        config_faults_deinit(&faults);
        bool is_good = document_parse(slice_of(cut, size), "f", &faults, &document);
        cr_expect(is_good || faults.error_count > 0, "cut at %zu", size);
        cr_expect_eq(is_good, document.root != NULL, "cut at %zu", size);
        free(cut);
    }
}
