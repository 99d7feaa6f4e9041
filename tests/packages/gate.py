"""What the tests do with a gate on a machine: make one, use it, knock at it all the while."""

import contextlib
import types

PUBLISH = ("mosquitto_pub -h localhost -p 8883 --cafile /etc/moat/tls/ca.crt -u device "
           "-P \"$(cat /root/password)\" -t greeting -m hello -q 1")
KNOCK = """made=0 refused=0
while [ ! -e /tmp/enough ]; do
    if (exec 3<>/dev/tcp/127.0.0.1/8883) 2>/dev/null; then made=$((made + 1)); else refused=$((refused + 1)); fi
    [ $made -ne 1 ] || touch /tmp/knocking
    sleep 0.01
done
echo $made $refused
"""


def remove(machine):
    machine.try_sh("systemctl disable --now moat.socket moat.service")
    machine.try_sh("dpkg -P moat")
    machine.sh("rm -rf /etc/moat /var/lib/moat /etc/systemd/system/moat* /root/password /tmp/* && "
               "systemctl daemon-reload && systemctl reset-failed")


def configure(machine):
    machine.sh("moat init /etc/moat --name localhost >/root/password && chown -R moat: /etc/moat")


def begin(machine):
    """A gate on port 8883 in front of the machine's broker."""
    configure(machine)
    machine.sh("systemctl start moat")


def listen_by_socket(machine):
    machine.sh("sed -i 's/^    address: .*8883.*/    address: systemd:mqtts/' /etc/moat/moat.yaml")


def begin_with_socket(machine):
    """The same, with systemd holding the port; the gate does not run yet."""
    configure(machine)
    listen_by_socket(machine)
    machine.sh("systemctl start moat.socket")


def publish(machine):
    machine.sh(PUBLISH)


def main_pid(machine):
    return machine.sh("systemctl show -P MainPID moat").strip()


@contextlib.contextmanager
def connecting(machine):
    """Somebody connects again and again; says afterwards how often, and how often in vain."""
    machine.write("/tmp/knock", KNOCK)
    attempts = types.SimpleNamespace(made=0, refused=0)
    machine.sh("rm -f /tmp/enough /tmp/knocking")
    knocking = machine.start("exec bash /tmp/knock")
    try:
        machine.sh("for i in $(seq 600); do [ ! -e /tmp/knocking ] || exit 0; sleep 0.1; done; exit 1")
        yield attempts
    finally:
        machine.try_sh("touch /tmp/enough")
        said, _ = knocking.communicate(timeout=60)
    attempts.made, attempts.refused = map(int, said.split())
