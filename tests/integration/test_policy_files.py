"""Policies and what is expected of them, as data: tests/policy/ and the examples of docs/policy.md.

Both are run by `moat check --tests`, which is how a user tests a policy of his own.
"""

import glob
import os
import re
import shlex

import pytest

from harness import configuration, yaml
from harness.moat import binary
from harness.processes import run

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(TOP, "tests", "policy")
PAGE = os.path.join(TOP, "docs", "policy.md")

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
BLOCK = re.compile(r"^```(yaml|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^([a-z]+):", re.MULTILINE)


def moat(*arguments, cwd=None):
    return run([binary(), *arguments], cwd=cwd)


def check(config, tests):
    """Runs the tests, all of which must pass. Returns how many there are."""
    done = moat("check", "-c", config, "--tests", tests)
    output = done.stdout.decode()
    assert done.returncode == 0, output + done.stderr.decode()
    passed, failed = COUNTS.search(output).groups()
    assert failed == "0" and int(passed) > 0
    return int(passed)


# --- tests/policy ----------------------------------------------------------------------------


def policies():
    return sorted(name[:-len(".tests.yaml")] for name in os.listdir(FOLDER) if name.endswith(".tests.yaml"))


@pytest.mark.parametrize("name", policies())
def test_policy(name):
    base = os.path.join(FOLDER, name)
    assert check(f"{base}.yaml", f"{base}.tests.yaml") == count_tests(f"{base}.tests.yaml")


def test_every_policy_has_its_tests():
    names = {os.path.basename(path)[:-len(".yaml")] for path in glob.glob(f"{FOLDER}/*.yaml")
             if not path.endswith(".tests.yaml")}
    assert names == set(policies())


def count_tests(path):
    with open(path, encoding="utf-8") as file:
        return sum(line.startswith("- ") for line in file)


# --- what a failing test says ----------------------------------------------------------------

ORDER = os.path.join(FOLDER, "order.yaml")

WRONG = """\
- name: wrong verdict
  client: { client_id: c, username: bob }
  expect: { verdict: deny, rule: strict }
- name: as expected
  client: { client_id: c, username: bob }
  expect: { verdict: allow, rule: lax, code: none }
- name: wrong rule
  client: { client_id: c, username: bob }
  expect: { verdict: allow, rule: strict }
- name: wrong reason
  client: { client_id: c, username: alice }
  expect: { verdict: deny, rule: strict, reason: no_rule }
- name: wrong code
  client: { client_id: c, username: alice, protocol: "5.0" }
  expect: { verdict: deny, rule: strict, reason: factor_missing, code: "0x86" }
- name: a file that is not there
  client: { client_id: c, certificate_file: absent.crt }
  expect: { verdict: deny }
"""


def run_tests(folder, content, config=ORDER):
    path = folder / "moat.tests.yaml"
    path.write_text(content, encoding="utf-8")
    done = moat("check", "-c", config, "--tests", path)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write_listener_files(folder, pki):
    """A copy of ORDER whose listener has a CA, for tests with certificate files, and no key."""
    with open(ORDER, encoding="utf-8") as file:
        text = file.read().replace("tls/clients-ca.crt", pki.client_ca.certificate)
    path = folder / "moat.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_differences(tmp_path, pki):
    code, output, errors = run_tests(tmp_path, WRONG, write_listener_files(tmp_path, pki))
    assert (code, errors) == (1, "")
    lines = output.splitlines()
    assert lines[-1] == "1 passed, 5 failed"
    for number, name, what in (
            (1, "wrong verdict", "verdict: expected deny, got allow"),
            (7, "wrong rule", "rule: expected strict, got lax"),
            (10, "wrong reason", "reason: expected no_rule, got factor_missing"),
            (13, "wrong code", "code: expected 0x86, got 0x87"),
            (16, "a file that is not there", "cannot open")):
        at = lines.index(f"{tmp_path}/moat.tests.yaml:{number}:3: FAILED: {name}")
        assert lines[at + 1].startswith(what)
    assert output.count("rule 4, lax") == 2, "each failure has its account"
    assert "as expected" not in output


def test_certificate_files(tmp_path, pki):
    """They are verified with the listener's CA, on a machine that has neither keys nor passwords."""
    config = write_listener_files(tmp_path, pki)
    os.symlink(pki.good.certificate, tmp_path / "good.crt")
    code, output, _ = run_tests(tmp_path, f"""\
- name: paths are relative to the file
  client: {{ client_id: c, certificate_file: good.crt, username: alice }}
  expect: {{ verdict: allow, rule: strict }}
- name: of another authority
  client: {{ client_id: c, certificate_file: {pki.wrong_ca.certificate}, username: alice }}
  expect: {{ verdict: deny, rule: none, reason: tls_failed, code: none }}
""", config)
    assert (code, output) == (0, "2 passed, 0 failed\n")


@pytest.mark.parametrize("content,words", [
    ("- { name: a, client: {}, expect: { verdict: allow, rule: laxx } }", 'no rule of '),
    ("- { name: a, client: { listener: nowhere }, expect: { verdict: allow } }", "no listener of "),
    ("- { name: a, client: {}, expect: { verdict: deny, reason: norule } }", 'no reason "norule"'),
    ("- { name: a, client: {}, expect: { verdict: dney } }", 'did you mean "deny"?'),
    ("- [", "syntax error"),
])
def test_faults_of_the_file(tmp_path, content, words):
    code, output, errors = run_tests(tmp_path, content + "\n")
    assert (code, output) == (65, "")
    assert words in errors and f"{tmp_path}/moat.tests.yaml:" in errors


def test_all_faults_are_told(tmp_path):
    _, _, errors = run_tests(tmp_path, """\
- { name: a, client: { listener: nowhere }, expect: { verdict: allow, rule: x } }
- { name: b, client: {}, expect: { verdict: allow, reason: y } }
""")
    assert errors.count(" error: ") == 3


def test_files_that_cannot_be_used(tmp_path):
    assert run_tests(tmp_path, "- {}", tmp_path / "absent.yaml")[0] == 66
    assert moat("check", "-c", ORDER, "--tests", tmp_path / "absent.yaml").returncode == 66
    (tmp_path / "moat.yaml").write_text("policy: { rules: [] }\n")
    assert run_tests(tmp_path, "- {}", tmp_path / "moat.yaml")[0] == 78


# --- docs/policy.md --------------------------------------------------------------------------


def sections(text):
    """The top-level sections of a piece of moat.yaml: {"policy": "policy:\\n ..."}."""
    starts = [match.start() for match in SECTION.finditer(text)] + [len(text)]
    return {text[start:].partition(":")[0]: text[start:end] for start, end in zip(starts, starts[1:])}


def examples():
    """(number of line, kind, content, the policy it is about) of each example that does something."""
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    policy = None
    for block in BLOCK.finditer(page):
        kind, content = block.groups()
        line = page.count("\n", 0, block.start()) + 1
        if kind == "yaml" and not content.startswith("- "):
            policy = sections(content)
            yield line, "policy", content, policy
        else:
            yield line, "tests" if kind == "yaml" else kind, content, policy


EXAMPLES = list(examples())


def of_kind(kind):
    return [pytest.param(content, policy, id=f"line {line}")
            for line, its_kind, content, policy in EXAMPLES if its_kind == kind]


def write_configuration(folder, pki, policy):
    """The gate that the page describes, with the sections of an example in place of its own."""
    made = configuration.moat(folder, pki, "127.0.0.1:1883",
                              listeners=[configuration.listener(pki, "mqtts", "optional")])
    parts = sections(yaml.text(made))
    parts.update(policy)
    path = os.path.join(folder, "moat.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(parts.values()))
    return path


@pytest.mark.parametrize("content,policy", of_kind("policy"))
def test_page_policy(tmp_path, pki, content, policy):
    """Every policy on the page is in order. Only the users, who are the tests' own, and observing, which
    is always pointed out, are warned of."""
    path = write_configuration(tmp_path, pki, policy)
    done = moat("check", "-c", path)
    assert done.returncode == 0, done.stderr.decode()
    warnings = [line for line in done.stderr.decode().splitlines()
                if " warning: " in line and ".password_file: " not in line and ".mode: " not in line]
    assert not warnings, content


@pytest.mark.parametrize("content,policy", of_kind("tests"))
def test_page_example(tmp_path, pki, content, policy):
    path = write_configuration(tmp_path, pki, policy)
    tests = tmp_path / "moat.tests.yaml"
    tests.write_text(content, encoding="utf-8")
    assert check(path, tests) == content.count("\n- ") + 1


def next_tests(console):
    """The tests behind a console: what its command reads."""
    at = [content for _, _, content, _ in EXAMPLES].index(console)
    behind = [content for _, kind, content, _ in EXAMPLES[at:] if kind == "tests"]
    return behind[0] if behind else ""


@pytest.mark.parametrize("content,policy", of_kind("console"))
def test_page_command(tmp_path, pki, content, policy):
    """What a command is shown to print is what it prints."""
    write_configuration(tmp_path, pki, policy)
    (tmp_path / "moat.tests.yaml").write_text(next_tests(content), encoding="utf-8")
    command, _, expected = content.partition("\n")
    assert command.startswith("$ moat ")
    done = moat(*shlex.split(command)[2:], cwd=tmp_path)
    assert done.stdout.decode() == expected, done.stderr.decode()


def test_page_has_examples():
    kinds = [kind for _, kind, _, _ in EXAMPLES]
    assert kinds.count("policy") >= 8 and kinds.count("tests") >= 8 and kinds.count("console") >= 2
