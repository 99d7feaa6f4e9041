"""The gate under a real systemd: started by a connection, reloaded, watched, restarted, given a key."""

import pytest

from gate import begin, begin_with_socket, configure, connecting, main_pid, publish, remove
from harness.waiting import PATIENCE, wait_until


@pytest.fixture
def installed(machine):
    remove(machine)
    machine.sh("dpkg -i /shared/moat.deb")
    return machine


def state(machine, unit="moat"):
    return machine.try_sh(f"systemctl is-active {unit}")[1].strip()


def drop_in(machine, text):
    machine.write("/etc/systemd/system/moat.service.d/test.conf", text)
    machine.sh("systemctl daemon-reload")


def test_it_is_up_when_systemd_says_so_with_its_sandbox_whole(installed):
    configure(installed)
    installed.sh("printf 'guard: { state_file: /var/lib/moat/guard.state }\\n' >>/etc/moat/moat.yaml")
    installed.sh("systemctl start moat")
    publish(installed)
    assert installed.sh("systemctl show -P StatusText moat").strip() == "Serving clients"
    journal = installed.journal()
    assert "event=sandbox " in journal and "seccomp=yes" in journal and "user=moat" in journal
    for part in ("user", "no_new_privs", "no_dumps", "seccomp"):
        assert f"part={part}" not in journal
    assert installed.sh("moat healthcheck --ready; echo $?").strip().endswith("0")
    installed.sh("systemctl stop moat")
    assert installed.sh("systemctl show -P Result moat").strip() == "success"
    assert installed.sh("stat -c '%a %U' /var/lib/moat /var/lib/moat/guard.state").split() == \
        ["700", "moat", "600", "moat"]


def test_the_first_connection_starts_it(installed):
    begin_with_socket(installed)
    assert state(installed) == "inactive" and state(installed, "moat.socket") == "active"
    publish(installed)
    assert state(installed) == "active"


def test_a_restart_refuses_nobody(installed):
    begin_with_socket(installed)
    publish(installed)
    before = main_pid(installed)
    with connecting(installed) as attempts:
        for _ in range(3):
            installed.sh("systemctl restart moat")
            publish(installed)
    assert attempts.refused == 0 and attempts.made > 10
    assert main_pid(installed) not in (before, "0")


def test_without_the_socket_a_restart_does_refuse(installed):
    """That the test above can see it."""
    begin(installed)
    with connecting(installed) as attempts:
        installed.sh("systemctl stop moat && sleep 1 && systemctl start moat")
    assert attempts.refused > 0


def test_a_reload_takes_the_new_and_refuses_the_wrong(installed):
    begin(installed)
    before = main_pid(installed)
    installed.sh("moat passwd /etc/moat/passwords second --generate >/dev/null && systemctl reload moat")
    publish(installed)
    installed.sh("cp -p /etc/moat/moat.yaml /root/moat.yaml && echo 'wrong: true' >>/etc/moat/moat.yaml")
    status, said = installed.try_sh("systemctl reload moat")
    assert status != 0, said
    assert "unknown key" in installed.journal()
    assert state(installed) == "active" and main_pid(installed) == before
    publish(installed)
    installed.sh("cp -p /root/moat.yaml /etc/moat/moat.yaml && systemctl reload moat")
    assert main_pid(installed) == before


def test_a_wrong_configuration_is_not_tried_again(installed):
    configure(installed)
    installed.sh("echo 'wrong: true' >>/etc/moat/moat.yaml")
    assert installed.try_sh("systemctl start moat")[0] != 0
    assert installed.sh("systemctl show -P ExecMainStatus moat").strip() == "78"
    assert installed.sh("systemctl show -P NRestarts moat").strip() == "0"
    assert state(installed) == "failed"


def test_a_gate_that_hangs_is_restarted(installed):
    drop_in(installed, "[Service]\nWatchdogSec=2\n")
    begin_with_socket(installed)
    publish(installed)
    before = main_pid(installed)
    installed.sh(f"kill -STOP {before}")
    wait_until(lambda: main_pid(installed) not in (before, "0") and state(installed) == "active",
               "the watchdog to restart the gate", 6 * PATIENCE)
    assert "watchdog" in installed.journal().lower()
    publish(installed)


def test_a_key_that_only_root_can_read(installed):
    configure(installed)
    installed.sh("install -m 600 -o root /etc/moat/tls/server.key /etc/ssl/private/gate.key && "
                 "rm /etc/moat/tls/server.key && mkdir -p /etc/systemd/system/moat.service.d && "
                 "cp /usr/share/doc/moat/examples/credentials.conf /etc/systemd/system/moat.service.d/ && "
                 "sed -i 's#key: tls/server.key#key: \"credential:server.key\"#' /etc/moat/moat.yaml && "
                 "systemctl daemon-reload && systemctl start moat")
    publish(installed)
    installed.sh("rm -r /etc/systemd/system/moat.service.d && systemctl daemon-reload")
    assert installed.try_sh("systemctl restart moat")[0] != 0


def test_an_instance_of_its_own(installed):
    configure(installed)
    installed.sh("mv /etc/moat/moat.yaml /etc/moat/site.yaml && systemctl start moat@site")
    publish(installed)
    assert state(installed) == "inactive" and state(installed, "moat@site") == "active"
    installed.sh("systemctl stop moat@site")
    assert installed.sh("stat -c %U /var/lib/moat/site").strip() == "moat"
