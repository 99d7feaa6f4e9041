"""The Debian package: installed it starts nothing, its README leads on, it upgrades and leaves nothing."""

import os
import re
import shutil
import subprocess

import pytest

from gate import PUBLISH, begin, begin_with_socket, connecting, main_pid, publish, remove

UNITS = ("moat.service", "moat.socket")


@pytest.fixture
def clean(machine):
    """The machine without the package, and without what an earlier test has left."""
    remove(machine)
    return machine


def dpkg_deb(*arguments):
    subprocess.run(["dpkg-deb", *map(str, arguments)], check=True, capture_output=True)


def test_lintian_has_nothing_to_say(package):
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed; see deploy/install-packages")
    done = subprocess.run(["lintian", "--allow-root", "--no-cfg", "--fail-on", "error,warning", package],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not re.search("^[EW]:", done.stdout, re.MULTILINE), done.stdout


def test_installing_it_starts_nothing_and_documents_it(clean):
    clean.sh("dpkg -i /shared/moat.deb")
    for unit in UNITS:
        assert clean.try_sh(f"systemctl is-active {unit}")[1].strip() == "inactive"
        assert clean.try_sh(f"systemctl is-enabled {unit}")[1].strip() == "disabled"
    assert clean.sh("stat -c '%a %U %G' /etc/moat").strip() == "750 root moat"
    assert clean.sh("getent passwd moat").strip().endswith(":/usr/sbin/nologin")
    assert clean.sh("moat --version").startswith("moat ")
    files = clean.sh("dpkg -L moat").split()
    for wanted in ("/usr/share/man/man8/moat.8.gz", "/usr/share/man/man5/moat.yaml.5.gz", "/usr/bin/moat",
                   "/usr/share/doc/moat/README.Debian", "/usr/share/doc/moat/copyright",
                   "/usr/share/doc/moat/examples/credentials.conf", "/lib/systemd/system/moat@.service"):
        assert wanted in files
    # Without a configuration it says what to do, once.
    assert clean.try_sh("systemctl start moat")[0] != 0
    assert "moat init" in clean.journal()
    assert clean.sh("systemctl show -P NRestarts moat").strip() == "0"


def test_what_the_readme_says_leads_to_a_gate(clean):
    clean.sh("dpkg -i /shared/moat.deb")
    readme = clean.sh("cat /usr/share/doc/moat/README.Debian")
    commands = re.findall("^    (.*)$", readme, re.MULTILINE)
    assert len(commands) == 3 and commands[0] == "moat init /etc/moat"
    clean.sh(f"{commands[0]} --name localhost >/root/password")
    for command in commands[1:]:
        clean.sh(command)
    publish(clean)
    more = re.search("^More users: *(.*)$", readme, re.MULTILINE)[1].replace("NAME", "pump --generate >/root/second")
    clean.sh(more)
    clean.sh(PUBLISH.replace("device", "pump").replace("/root/password", "/root/second"))


def newer(machine, package):
    """The same package as the next version would be, as /shared/newer.deb."""
    folder = os.path.join(machine.folder, "newer")
    shutil.rmtree(folder, ignore_errors=True)
    dpkg_deb("-R", package, folder)
    control = os.path.join(folder, "DEBIAN", "control")
    with open(control, encoding="utf-8") as file:
        text = file.read()
    with open(control, "w", encoding="utf-8") as file:
        file.write(re.sub("^Version: .*$", r"\g<0>+later", text, flags=re.MULTILINE))
    dpkg_deb("--root-owner-group", "-b", folder, os.path.join(machine.folder, "newer.deb"))


def test_an_upgrade_restarts_it_and_refuses_nobody(clean, package):
    clean.sh("dpkg -i /shared/moat.deb")
    begin_with_socket(clean)
    publish(clean)
    before, files = main_pid(clean), clean.sh("find /etc/moat -type f -exec sha256sum {} +")
    newer(clean, package)
    with connecting(clean) as attempts:
        clean.sh("dpkg -i /shared/newer.deb")
        publish(clean)
    assert attempts.refused == 0 and attempts.made > 10
    assert main_pid(clean) not in (before, "0")
    assert clean.sh("find /etc/moat -type f -exec sha256sum {} +") == files
    assert clean.sh("dpkg-query -W -f '${Version}' moat").endswith("+later")


def test_an_upgrade_restarts_it_without_a_socket_too(clean, package):
    clean.sh("dpkg -i /shared/moat.deb")
    begin(clean)
    before = main_pid(clean)
    newer(clean, package)
    clean.sh("dpkg -i /shared/newer.deb")
    assert main_pid(clean) not in (before, "0")
    publish(clean)


def test_an_upgrade_does_not_start_what_was_stopped(clean, package):
    clean.sh("dpkg -i /shared/moat.deb")
    newer(clean, package)
    clean.sh("dpkg -i /shared/newer.deb")
    for unit in UNITS:
        assert clean.try_sh(f"systemctl is-active {unit}")[1].strip() == "inactive"


def test_purging_leaves_nothing(clean):
    def all_files():
        found = clean.sh("find / -xdev -name '*moat*' -not -path '/proc/*' -not -path '/shared*' -not -path '/tmp/*' "
                         "-not -path '/sys/*' -not -path '/root/*'")
        return sorted(found.split())
    before = all_files()
    clean.sh("dpkg -i /shared/moat.deb")
    begin(clean)
    clean.sh("systemctl enable moat && sed 's/8883/8884/; s/9884/9885/' /etc/moat/moat.yaml >/etc/moat/site.yaml && "
             "systemctl start moat@site")
    assert all_files() != before
    clean.sh("dpkg -r moat")
    assert clean.sh("ls /etc/moat/moat.yaml"), "removing it keeps the configuration"
    for unit in (*UNITS, "moat@site"):
        assert clean.try_sh(f"systemctl is-active {unit}")[1].strip() == "inactive", unit
    clean.sh("dpkg -P moat")
    assert all_files() == before
    assert "moat" not in clean.try_sh("dpkg -l moat 2>/dev/null | grep '^ii'")[1]
