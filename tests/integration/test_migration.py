"""docs/migration.md: Moat takes the place of a Mosquitto that speaks TLS, and gives it back.

What the page says is done to a machine that is a folder, while clients are connected; they are those of
Mosquitto and paho, and reconnect by themselves.
"""

import re
import shutil
import ssl

import paho.mqtt.client as paho
import pytest

from harness.mosquitto import program
from harness.plant import DEVICES, PEOPLE, RIGHTS, Client, Keys, Plant, Watcher
from harness.processes import Program, run
from harness.waiting import accepts_connections, free_port, wait_until
from harness.walkthrough import IS_ROOT, Machine, user_for

@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def plant(keys):
    machine = Machine()
    made = Plant(machine, keys)
    try:
        made.prepare()
        yield made
    finally:
        machine.end()


# To find out every right, a client connects more often than a device would, and is denied more often than
# one may be who is not banned for it.
IMPATIENT = "limits: { connect_rate_per_identity: 0, failed_logins: 1000 }\n"


def move(machine):
    for heading in ("Step 2: give Moat its files", "Step 3: write moat.yaml"):
        machine.follow(heading)
    machine.write("/etc/moat/moat.yaml", IMPATIENT, is_on_top=True)
    for heading in ("Step 4: check, before anything is switched", "Step 5: switch"):
        machine.follow(heading)


def refused(client, code):
    with client.connect() as connection:
        return connection.answers[-1] == code


def assert_strangers_stay_out(plant):
    """Before and after: a wrong password, no password, another authority's certificate, no certificate."""
    wrong = Client(plant.machine, plant.keys, "wrong", "alice")
    wrong.make = lambda client_id, **options: with_password(Client.make(wrong, client_id, **options), "wrong")
    # Mosquitto 2.0 says 5 to everybody.
    assert refused(wrong, 4) or refused(wrong, 5)
    assert refused(Client(plant.machine, plant.keys, "nobody"), 5)
    for pair in (plant.keys.stranger, None):
        client = Client(plant.machine, plant.keys, "stranger", "pump-1", pair)
        client.port = DEVICES
        with pytest.raises((ssl.SSLError, OSError, AssertionError)):
            connect_briefly(client)


def with_password(client, password):
    client.username_pw_set("alice", password)
    return client


def connect_briefly(client):
    """Raises when the connection is not answered by a CONNACK; in TLS 1.3 a client learns it only then."""
    made = client.make("brief")
    made.connect("127.0.0.1", client.machine.port(client.port), 60)
    for _ in range(100):
        if made.loop(0.1) != paho.MQTT_ERR_SUCCESS:
            raise AssertionError("the connection ended")
        if made.is_connected():
            break
    made.disconnect()


# --- there and back -----------------------------------------------------------------------------


def test_there_and_back(plant):
    machine = plant.machine
    assert plant.rights() == RIGHTS
    assert_strangers_stay_out(plant)

    with plant.control.connect("keeper", clean_session=False) as sleeper:
        sleeper.subscribe("devices/+/queued")
    running = [plant.alice.connect("alice-phone"), plant.named.connect("p1"), plant.nameless.connect("p2"),
               plant.control.connect("control")]
    alice, pump_1, pump_2, control = running
    watcher = Watcher(plant, "devices/#")
    try:
        alice.subscribe("devices/+/status")
        pump_1.publish("devices/pump-1/retained", "as it was", retain=True)
        pump_2.publish("devices/pump-2/queued", "for the sleeper")
        watcher.wait_for(control, "devices/news", "before")

        move(machine)
        wait_until(lambda: all(one.is_connected for one in running), "all clients to be back")
        machine.follow("Step 6: see that it holds")
        gate = machine.services["moat"]
        assert {fields["rule"] for fields in gate.find("admitted")} >= {"people", "devices-by-name", "devices"}
        watcher.wait_for(control, "devices/news", "after")
        # paho subscribes anew only if its program does, as most do when they are connected.
        alice.subscribe("devices/+/status")
        for pump in (pump_1, pump_2):
            name = "pump-1" if pump is pump_1 else "pump-2"
            pump.publish(f"devices/{name}/status", "on")
            alice.wait_message(f"devices/{name}/status", "on")
        assert plant.rights() == RIGHTS
        assert_strangers_stay_out(plant)
        assert_kept(plant)

        machine.follow("Going back", "back")
        wait_until(lambda: all(one.is_connected for one in running), "all clients to be back")
        watcher.wait_for(control, "devices/news", "back again")
        assert plant.rights() == RIGHTS
        assert_strangers_stay_out(plant)
    finally:
        watcher.close()
        for one in running:
            one.close()
    before = machine.path("/etc/mosquitto.before-moat")
    assert run(["diff", "-r", before, machine.path("/etc/mosquitto")]).returncode == 0


def assert_kept(plant):
    """A retained message and a sleeping client's queue outlived the move."""
    with plant.alice.connect() as reader:
        reader.subscribe("devices/pump-1/retained")
        reader.wait_message("devices/pump-1/retained", "as it was")
    with plant.control.connect("keeper", clean_session=False) as sleeper:
        sleeper.wait_message("devices/pump-2/queued", "for the sleeper")


def test_unix_socket(plant):
    machine = plant.machine
    move(machine)
    heading = "Better: a unix socket"
    machine.follow(heading)
    machine.follow(heading, "socket")
    assert plant.rights() == RIGHTS
    listening = run(["ss", "-Hltn", f"sport = :{machine.port(1883)}"]).stdout
    assert listening == b""
    done = machine.shell("stat -c '%A %U' /run/mosquitto-moat /run/mosquitto-moat/mqtt.sock")
    folder, path = done.stdout.decode().splitlines()
    assert folder == f"drwxr-s--- {user_for('mosquitto')}"
    assert path == f"srwxrwx--- {user_for('mosquitto')}"


def test_renewed_certificate(plant):
    machine = plant.machine
    move(machine)
    for old, new in ((plant.keys.server.certificate, plant.keys.next_server.certificate),
                     (plant.keys.server.key, plant.keys.next_server.key)):
        shutil.copy(new, machine.path(f"/etc/mosquitto/certs/server.{old[-3:]}"))
    with plant.alice.connect() as session:
        machine.follow("Step 2: give Moat its files", "renewal")
        shown = ssl.get_server_certificate(("127.0.0.1", machine.port(PEOPLE)))
        with open(plant.keys.next_server.certificate, encoding="ascii") as file:
            assert shown.strip() == file.read().strip()
        assert session.is_connected and len(session.answers) == 1
        session.publish("commands/pump-1/t", "still here")


# --- special cases ------------------------------------------------------------------------------


def use_rule(machine, heading, name, before=None):
    """Puts a rule of the page into moat.yaml, in front of another or in the place of the one of its name."""
    (_, rule), = machine.page.blocks(heading, name)
    own = re.search(r"- name: (.*)\n", rule)[1]
    text = machine.read("/etc/moat/moat.yaml")
    start = text.index(f"    - name: {before or own}\n")
    end = start if before else re.compile(r"^\S|^    - ", re.MULTILINE).search(text, start + 5).start()
    with open(machine.path("/etc/moat/moat.yaml"), "w", encoding="utf-8") as file:
        file.write(text[:start] + machine.here(rule) + text[end:])


def drop_rule(machine, name):
    text = machine.read("/etc/moat/moat.yaml")
    start = text.index(f"    - name: {name}\n")
    with open(machine.path("/etc/moat/moat.yaml"), "w", encoding="utf-8") as file:
        file.write(text[:start] + text[text.index("    - name: ", start + 5):])


def test_patterns_by_client_identifier(plant):
    """The broker's ACL is enough for devices without a name where the identifier is bound."""
    machine = plant.machine
    acl = machine.path("/etc/mosquitto/acl")
    with open(acl, "a", encoding="utf-8") as file:
        file.write("pattern write by-id/%c/#\n")
    move(machine)
    use_rule(machine, "Patterns with %c", "client_id")
    machine.systemctl("reload", "moat")
    with plant.control.connect() as control:
        control.subscribe("by-id/#")
        with plant.nameless.connect("pump-2") as pump:
            pump.publish("by-id/pump-1/t", "not mine")
            pump.publish("by-id/pump-2/t", "mine")
            control.wait_message("by-id/pump-2/t", "mine")
            assert control.messages == [("by-id/pump-2/t", "mine")]
    assert refused(plant.nameless, 2), "its identifier is not its certificate's name"


def test_clients_without_a_name(plant):
    machine = plant.machine
    move(machine)
    display = Client(machine, plant.keys, "display")
    assert refused(display, 5)
    use_rule(machine, "Clients without a name", "anonymous", before="people")
    text = machine.read("/etc/moat/moat.yaml").replace("192.168.10.0/24", "127.0.0.0/8")
    with open(machine.path("/etc/moat/moat.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    machine.systemctl("reload", "moat")
    assert refused(display, 0)
    assert refused(Client(machine, plant.keys, "display", "mallory"), 4)
    assert refused(plant.alice, 0)


def test_certificates_that_name_nobody(plant):
    """Both are needed, as with Mosquitto's require_certificate and a password file."""
    machine = plant.machine
    move(machine)
    drop_rule(machine, "devices-by-name")
    use_rule(machine, "Certificates that name nobody", "both")
    machine.systemctl("reload", "moat")
    pair = plant.keys.pumps["pump-1"]
    assert refused(Client(machine, plant.keys, "both", "alice", pair), 0)
    assert refused(plant.named, 4), "its user name has no password"
    assert refused(plant.nameless, 5)


def test_settings_for_each_listener(plant):
    machine = plant.machine
    move(machine)
    machine.write("/etc/mosquitto/conf.d/each.conf", "per_listener_settings true\n")
    machine.systemctl("restart", "mosquitto")
    assert plant.rights() == RIGHTS


BRIDGE = """\
listener {local} 127.0.0.1
allow_anonymous true
persistence false
log_dest stderr
connection north
address 127.0.0.1:{port}
bridge_cafile {ca}
remote_username site-north
remote_password secret of site-north
topic devices/# out 1
"""


@pytest.fixture
def start_site(plant):
    """Starts another Mosquitto, which is a bridge to this one. Returns the port that it serves."""
    path = plant.machine.path("/site.conf")
    made = []

    def start(*more):
        port = free_port()
        lines = BRIDGE.format(local=port, port=plant.machine.port(PEOPLE), ca=plant.keys.servers.certificate)
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join([lines, *(f"{line}\n" for line in more), "user root\n" if IS_ROOT else ""]))
        made.append(Program([program("mosquitto"), "-c", path]))
        wait_until(lambda: accepts_connections(("127.0.0.1", port)), "the other Mosquitto to listen")
        return port

    yield start
    for one in made:
        one.kill()


def test_bridge(plant, start_site):
    machine = plant.machine
    move(machine)
    machine.command("echo 'secret of site-north' | moat passwd /etc/moat/passwords site-north")
    shutil.chown(machine.path("/etc/moat/passwords"), user_for("moat"))
    asked = machine.shell("moat explain -c /etc/moat/moat.yaml --client-id b --username site-north --bridge true").stdout
    assert b"reason  " + told(plant, "reason=bridge").partition("=")[2].encode() in asked
    use_rule(machine, "Bridges", "bridge", before="people")
    machine.systemctl("reload", "moat")
    gate = machine.services["moat"]
    start_site()
    gate.wait_event("refused", username="site-north", reason=told(plant, "reason=will_topic").partition("=")[2])
    port = start_site(re.search("`(notifications false)`", machine.page.section("Bridges"))[1])
    gate.wait_event("admitted", rule="sites")
    with plant.control.connect() as control:
        control.subscribe("devices/#")
        done = run(["mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-t", "devices/site-north/t", "-m", "bridged"])
        assert done.returncode == 0
        control.wait_message("devices/site-north/t", "bridged")


# --- what can go wrong --------------------------------------------------------------------------


def told(plant, words):
    """The page has the words that the program says."""
    assert words in plant.machine.page.section("What can go wrong"), words
    return words


def test_port_still_taken(plant):
    machine = plant.machine
    for heading in ("Step 2: give Moat its files", "Step 3: write moat.yaml"):
        machine.follow(heading)
    done = machine.shell("moat run -c /etc/moat/moat.yaml")
    assert done.returncode == 69
    assert told(plant, "another program listens there").encode() in done.stderr
    with plant.alice.connect() as client:
        assert client.answers == [0], "Mosquitto serves on"


def test_key_that_others_can_read(plant):
    machine = plant.machine
    for heading in ("Step 2: give Moat its files", "Step 3: write moat.yaml"):
        machine.follow(heading)
    machine.command("chmod 640 /etc/moat/tls/server.key")
    done = machine.shell("moat check -c /etc/moat/moat.yaml")
    assert done.returncode == 78
    assert told(plant, "is open to others (mode 0640").encode() in done.stderr


@pytest.mark.skipif(not IS_ROOT, reason="only root can make files that are another user's")
def test_files_that_are_roots(plant):
    machine = plant.machine
    for heading in ("Step 2: give Moat its files", "Step 3: write moat.yaml"):
        machine.follow(heading)
    machine.command("chown -R root: /etc/moat")
    done = machine.shell("moat check -c /etc/moat/moat.yaml")
    said = told(plant, "cannot be read by the user moat").replace("moat", user_for("moat"))
    assert said.encode() in done.stderr


def test_what_the_log_says(plant):
    """The reasons of the table, from clients that do what it says."""
    machine = plant.machine
    move(machine)
    gate = machine.services["moat"]
    other = Client(machine, plant.keys, "pump-1", "another-name", plant.keys.pumps["pump-1"])
    after = gate.mark()
    assert not refused(other, 0)
    assert told(plant, f"reason={gate.wait_event('refused', after)['reason']}")
    with plant.nameless.connect() as pump:
        assert not pump.publish("devices/pump-1/t", "not mine")
    gate.wait_event("ended", reason=told(plant, "reason=topic_denied").partition("=")[2])
    with plant.control.connect("shared"):
        assert refused_as(plant.alice, "shared", 0x85)
    gate.wait_event("refused", reason=told(plant, "reason=client_id_owned").partition("=")[2])
    machine.systemctl("stop", "mosquitto")
    assert refused(plant.alice, 0x88) and refused(plant.control, 3)
    gate.wait_event("refused", reason=told(plant, "upstream_down"))


def refused_as(client, client_id, code):
    with client.connect(client_id) as connection:
        return connection.answers[-1] == code


def test_nameless_without_the_lines(plant):
    """Without the lines at the top of the ACL file a device without a name is in, and unheard."""
    machine = plant.machine
    move(machine)
    machine.command("cp /etc/mosquitto.before-moat/acl /etc/mosquitto/acl")
    machine.systemctl("restart", "mosquitto")
    told(plant, "a device is in, and its messages do not arrive")
    with plant.control.connect() as control:
        control.subscribe("#")
        assert not plant.may_write("pump-2", "devices/pump-2/t", control)
        assert plant.may_write("pump-1", "devices/pump-1/t", control)
