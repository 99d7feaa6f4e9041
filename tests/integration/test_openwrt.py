"""deploy/openwrt: what its Makefile says, and what its scripts do on a router that is a folder."""

import os
import re
import shutil
import ssl
import stat

import pytest

from harness import packets, revocation
from harness.moat import Moat, binary
from harness.packets import V311
from harness.processes import run
from harness.router import PACKAGE, STANDINS, TOP, Router, make, read
from harness.tls_client import TlsSettings
from harness.waiting import free_port
from test_clock import clock, shim  # noqa: F401

NUMBER = re.compile(r"^(\w+)_options='([^']*)'", re.MULTILINE)
SCRIPTS = ("etc/init.d/moat", "etc/uci-defaults/80_moat", "etc/hotplug.d/ntp/50-moat", "usr/libexec/moat/uci2yaml",
           "usr/libexec/moat/first-start")
MIDNIGHT_1970 = "1970-01-01 00:10:00"


@pytest.fixture
def router():
    made = Router()
    yield made
    made.end()


@pytest.fixture
def ready(router):
    """A router that has started once, with a service that is enabled, on a free port of loopback."""
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    router.configure(router.read("etc/config/moat").replace("enabled '0'", "enabled '1'\n    option health 'off'")
                     .replace("[::]:8883", "127.0.0.1:0").replace("127.0.0.1:1883", f"127.0.0.1:{free_port()}"))
    return router


def known_options():
    return {kind: names.split() for kind, names in NUMBER.findall(read(f"{PACKAGE}/files/moat.uci2yaml"))}


# --- the package --------------------------------------------------------------------------------


def test_makefile_pins_what_the_wraps_pin():
    downloads = {line.split()[0]: line.split()[1:] for line in make("downloads").splitlines()}
    assert set(downloads) == {"boringssl", "uthash", "llhttp"}
    for name in ("boringssl", "uthash"):
        wrap = dict(re.findall(r"^(\w+) *= *(.*)$", read(f"{TOP}/subprojects/{name}.wrap"), re.MULTILINE))
        digest, url = downloads[name]
        assert digest == wrap["source_hash"] and url.endswith("/" + wrap["source_filename"])


def test_makefile_values():
    name, version, depends, user, category = make("values").strip().split("|")
    assert (name, category, user) == ("moat", "Network", "moat:moat")
    assert f"version: '{version}'" in read(f"{TOP}/meson.build")
    assert depends.split() == ["+libuv", "+libyaml", "+mipsel:libatomic", "@!BIG_ENDIAN"]
    assert make("conffiles").split() == ["/etc/config/moat", "/etc/moat/"], "sysupgrade keeps these"


def test_makefile_names_options_that_there_are():
    options = re.findall(r"^option\('(\w+)'", read(f"{TOP}/meson_options.txt"), re.MULTILINE)
    given = re.findall(r"-D(\w+)=", make("arguments"))
    assert set(given) - {"force_fallback_for"} <= set(options) and len(given) == 4


def test_installed_files(router):
    modes = {name: stat.S_IMODE(os.stat(router.path(name)).st_mode) for name in SCRIPTS}
    assert modes == {"etc/init.d/moat": 0o755, "etc/uci-defaults/80_moat": 0o644, "etc/hotplug.d/ntp/50-moat": 0o644,
                     "usr/libexec/moat/uci2yaml": 0o755, "usr/libexec/moat/first-start": 0o755}
    assert not os.path.exists(router.path("etc/moat")), "what is the owner's is not the package's"


@pytest.mark.parametrize("name", SCRIPTS)
def test_syntax(router, name):
    done = router.call(router.path("bin/ash"), "-n", router.path(name))
    assert (done.returncode, done.stderr) == (0, "")


def test_package_test(router):
    version = make("values").split("|")[1]
    command = [router.path("bin/ash"), f"{PACKAGE}/test.sh", "moat"]
    env = {"PATH": f"{router.path('usr/sbin')}:{router.path('usr/tools')}"}
    assert router.call(*command, version, env=env).returncode == 0
    assert router.call(*command, "99.9", env=env).returncode == 1


# --- the first start ----------------------------------------------------------------------------


def test_first_start_makes_keys(router):
    router.write("tmp/uci", "system.@system[0].hostname=gate\nnetwork.lan.ipaddr=192.168.7.1/24\n")
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    found = {name: stat.S_IMODE(mode) for name, (_, _, _, mode) in router.flash().items() if name.startswith("etc/moat")}
    assert found == {"etc/moat": 0o700, "etc/moat/passwords": 0o600, "etc/moat/tls": 0o700,
                     "etc/moat/tls/ca.crt": 0o600, "etc/moat/tls/ca.key": 0o600,
                     "etc/moat/tls/server.crt": 0o600, "etc/moat/tls/server.key": 0o600}
    names = run(["openssl", "x509", "-in", router.path("etc/moat/tls/server.crt"), "-noout", "-ext", "subjectAltName"])
    assert b"DNS:gate" in names.stdout and b"IP Address:192.168.7.1" in names.stdout


def test_first_start_is_once(router):
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    before = router.flash()
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    assert router.flash() == before
    assert os.listdir(router.path("tmp")) == ["uci"], "nothing is left in memory either"


def test_first_start_leaves_what_is_there(router):
    router.write("etc/moat/tls/mine.key", "precious", 0o600)
    before = router.flash()
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    assert router.flash() == before


def test_first_start_after_a_power_failure(router):
    """What an interrupted start left is no hindrance, and the users that were made are kept."""
    router.write("etc/moat/tls.new/server.key", "half", 0o600)
    router.write("etc/moat/passwords", "somebody's", 0o600)
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    assert router.read("etc/moat/passwords") == "somebody's"
    assert sorted(os.listdir(router.path("etc/moat"))) == ["passwords", "tls"]


@pytest.mark.parametrize("host", ("a b", "$(reboot)", "under_score", "ü"))
def test_first_start_with_an_odd_host_name(router, host):
    router.write("tmp/uci", f"system.@system[0].hostname={host}\n")
    assert router.sourced("etc/uci-defaults/80_moat").returncode == 0
    assert os.path.exists(router.path("etc/moat/tls/server.key"))


def test_first_start_without_a_clock(router, clock):  # noqa: F811
    """Nothing is made until the clock is set; then the network's time brings the service up."""
    router.configure(router.read("etc/config/moat").replace("enabled '0'", "enabled '1'"))
    router.write("etc/rc.d/S81moat", "")
    clock.set(MIDNIGHT_1970)
    before = router.flash()
    assert router.sourced("etc/uci-defaults/80_moat", env=clock.env).returncode != 0, "it is run again"
    assert router.flash() == before
    assert "clock of this host is not set" in router.log()
    assert not router.service("start", env=clock.env).has_instance()
    clock.set_right()
    assert router.sourced("etc/hotplug.d/ntp/50-moat", env={"ACTION": "step"}).stderr == ""
    assert not os.path.exists(router.path("etc/moat/tls"))
    router.sourced("etc/hotplug.d/ntp/50-moat", env={"ACTION": "stratum"})
    assert os.path.exists(router.path("etc/moat/tls/server.key"))
    assert "'open_instance'" in router.read("tmp/procd")
    os.unlink(router.path("tmp/procd"))
    router.sourced("etc/hotplug.d/ntp/50-moat", env={"ACTION": "stratum"})
    assert not os.path.exists(router.path("tmp/procd")), "once is enough"


# --- UCI to YAML --------------------------------------------------------------------------------

CONFIGURATIONS = sorted(name[:-len(".config")] for name in os.listdir(STANDINS) if name.endswith(".config"))


@pytest.fixture
def with_files(ready, pki, tmp_path):
    shutil.copy(pki.client_ca.certificate, ready.path("etc/ssl/devices ca.crt"))
    shutil.copy(revocation.revocation_list(pki.client_ca, str(tmp_path / "devices.crl")), ready.path("etc/ssl/devices.crl"))
    return ready


def check(folder):
    return run([binary(), "check", "-c", os.path.join(folder, "moat.yaml")])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_generator(with_files, name):
    router = with_files
    router.configure(read(f"{STANDINS}/{name}.config"))
    for folder in ("first", "second"):
        done = router.generate(folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run(["diff", "-r", router.path("first"), router.path("second")]).returncode == 0
    made = router.read("first/moat.yaml").replace(router.root, "")
    assert made == read(f"{STANDINS}/{name}.yaml")
    done = check(router.path("first"))
    assert done.returncode == 0, done.stderr.decode()
    assert all(stat.S_IMODE(os.stat(router.path(f"first/{one}")).st_mode) == 0o600
               for one in os.listdir(router.path("first")))


def test_every_option_is_tried():
    text = read(f"{STANDINS}/everything.config")
    used = {}
    for kind, body in re.findall(r"^config (\w+)[^\n]*\n((?:(?!config ).*\n)*)", text, re.MULTILINE):
        used.setdefault(kind, set()).update(re.findall(r"^ +(?:option|list) (\w+)", body, re.MULTILINE))
    assert used == {kind: set(names) for kind, names in known_options().items()}


def test_default_configuration(ready):
    assert ready.generate().returncode == 0
    assert check(ready.path("made")).returncode == 0


@pytest.mark.parametrize("old,new,words", [
    ("list require", "list requre", "there is no option 'requre' in a section of type 'rule'"),
    ("config rule 'people'", "config rules 'people'", "there is no section of type 'rules'"),
    ("enabled '1'", "enabled '1'\n    option workers 'one'", "main: workers must be a whole number, and is 'one'"),
    ("server.key'", "other.key'", "mqtts: key: there is no file "),
    ("'password'", "'pass\nword'", "a control character or a line break"),
    ("config upstream 'broker'", "config upstream 'spare'\n\nconfig upstream 'broker'",
     "two sections of type upstream, 'spare' and 'broker'"),
    ("config moat 'main'", "config moat 'other'", "must be called main"),
    ("config rule", "config upstream 'broker2'\n    option allow_remote_plaintext 'maybe'\n\nconfig rule", "two sections"),
    ("config rule", "    option allow_remote_plaintext 'maybe'\n\nconfig rule", "must be 0 or 1, and is 'maybe'"),
])
def test_generator_faults(ready, old, new, words):
    text = ready.read("etc/config/moat")
    assert old in text
    ready.configure(text.replace(old, new, 1))
    done = ready.generate()
    assert done.returncode == 1 and words in done.stderr, done.stderr
    assert not os.path.exists(ready.path("made/moat.yaml"))


# --- the service --------------------------------------------------------------------------------


def test_disabled(ready):
    ready.configure(ready.read("etc/config/moat").replace("enabled '1'", "enabled '0'"))
    assert not ready.service("start").has_instance()


def test_start(ready):
    before = ready.flash()
    asked = ready.service("start")
    assert asked.done.stderr == ""
    assert asked.parameter("command") == [ready.path("usr/sbin/moat"), "run", "-c", ready.path("var/etc/moat/moat.yaml")]
    for name, value in (("user", ["moat"]), ("group", ["moat"]), ("no_new_privs", ["1"]), ("reload_signal", ["HUP"]),
                        ("respawn", ["3600", "5", "0"]), ("pidfile", [ready.path("var/run/moat.pid")])):
        assert asked.parameter(name) == value
    assert asked.of("add_jail") == [["moat", "log"]]
    mounts = [one for words in asked.of("add_jail_mount") for one in words]
    assert ready.path("var/etc/moat") in mounts and ready.path("etc/moat") not in mounts
    assert asked.of("add_jail_mount_rw") == [[ready.path("var/lib/moat")]]
    assert sorted(os.path.basename(path) for path in asked.parameter("file")) == \
        ["main-password_file", "moat.yaml", "mqtts-chain", "mqtts-key"]
    assert ready.flash() == before, "nothing is written to flash"


def test_triggers(ready):
    asked = ready.service("service_triggers")
    assert asked.of("add_reload_trigger") == [["moat"]]
    assert asked.of("add_raw_trigger") == [["acme.renew", "5000", ready.path("etc/init.d/moat"), "reload"]]


class Gate(Moat):
    """What the init script asks procd to run."""

    def __init__(self, router):
        self.asked = router.service("start")
        super().__init__(router.path("var/etc/moat"), None)

    def write(self, configuration):
        assert configuration is None


@pytest.fixture
def start_gate(ready):
    made = []

    def start():
        made.append(Gate(ready))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def set_password(router):
    done = run([router.path("usr/sbin/moat"), "passwd", router.path("etc/moat/passwords"), "device", "--generate"])
    assert done.returncode == 0
    return done.stdout.decode().strip()


def test_it_serves(ready, make_upstream, start_gate):
    """With a password that was set as docs/openwrt.md says."""
    upstream = make_upstream()
    ready.configure(re.sub(r"'127.0.0.1:[1-9]\d*'", f"'{upstream.text}'", ready.read("etc/config/moat")))
    password = set_password(ready)
    gate = start_gate()
    with gate.client(TlsSettings(ca=ready.path("etc/moat/tls/ca.crt"))) as client:
        client.send(packets.connect(V311, client_id="c", username="device", password=password))
        assert client.receive_packet() == packets.connack(V311)


def test_renewed_certificate(ready, pki, start_gate):
    gate = start_gate()
    before = [read(path) for path in gate.asked.parameter("file")]
    shutil.copy(pki.server.certificate, ready.path("etc/moat/tls/server.crt"))
    shutil.copy(pki.server.key, ready.path("etc/moat/tls/server.key"))
    asked = ready.service("reload")
    # procd compares the contents and sends the signal.
    assert [read(path) for path in asked.parameter("file")] != before
    assert asked.parameter("command") == gate.asked.parameter("command")
    gate.reload()
    shown = ssl.get_server_certificate(gate.address())
    assert shown.strip() == read(pki.server.certificate).strip()


@pytest.mark.parametrize("old,new,words", [
    ("list require", "list requre", "there is no option 'requre'"),
    ("'password'", "'pasword'", 'did you mean "password"'),
])
def test_faulty_configuration_changes_nothing(ready, old, new, words):
    good = ready.service("start")
    folder = ready.path("var/etc/moat")
    before = {name: read(os.path.join(folder, name)) for name in os.listdir(folder)}
    ready.configure(ready.read("etc/config/moat").replace(old, new))
    asked = ready.service("reload")
    assert words in asked.done.stderr and words in ready.log()
    assert "stays in force" in asked.done.stderr
    assert asked.parameter("command") == good.parameter("command"), "without an instance procd would end it"
    assert {name: read(os.path.join(folder, name)) for name in os.listdir(folder)} == before


def test_faulty_configuration_at_the_start(ready):
    ready.configure(ready.read("etc/config/moat").replace("list require", "list requre"))
    assert not ready.service("start").has_instance()


def test_files_that_are_no_longer_named_go(with_files):
    router = with_files
    plain = router.read("etc/config/moat")
    router.configure(plain.replace("    option key", "    option client_certificate 'optional'\n"
                                   "    option client_ca '/etc/ssl/devices ca.crt'\n    option key"))
    router.service("start")
    assert os.path.exists(router.path("var/etc/moat/mqtts-client_ca"))
    router.configure(plain)
    router.service("reload")
    assert sorted(os.listdir(router.path("var/etc/moat"))) == ["main-password_file", "moat.yaml", "mqtts-chain", "mqtts-key"]


def test_own_yaml(ready):
    ready.configure("config moat 'main'\n    option enabled '1'\n    option config_file '/etc/mine/moat.yaml'\n"
                    "    list folder '/etc/mine'\n    list folder '/etc/ssl'\n")
    asked = ready.service("start")
    assert asked.parameter("command")[-1] == asked.parameter("file")[0] == ready.path("etc/mine/moat.yaml")
    mounts = [one for words in asked.of("add_jail_mount") for one in words]
    assert {ready.path("etc/mine"), ready.path("etc/ssl")} <= set(mounts)
    assert ready.service("reload").of("send_signal") == [["moat", "*", "HUP"]]


# --- what is remembered -------------------------------------------------------------------------


def test_state_survives_a_reboot(ready):
    ready.service("start")
    ready.write("var/lib/moat/guard.state", "owners")
    before = ready.flash()
    ready.service("reload")
    assert ready.flash() == before, "not while it runs"
    ready.service("stop")
    assert ready.read("etc/moat/guard.state") == "owners"
    kept = ready.flash()
    ready.service("stop")
    assert ready.flash() == kept, "what is the same is not written again"
    shutil.rmtree(ready.path("var"))
    os.makedirs(ready.path("var/run"))
    ready.service("start")
    assert ready.read("var/lib/moat/guard.state") == "owners"


def test_state_that_is_newer_counts(ready):
    ready.write("etc/moat/guard.state", "old")
    ready.write("var/lib/moat/guard.state", "new")
    ready.service("start")
    assert ready.read("var/lib/moat/guard.state") == "new"


def test_state_that_is_not_to_be_kept(ready):
    ready.configure(ready.read("etc/config/moat").replace("enabled '1'", "enabled '1'\n    option persist '0'"))
    ready.service("start")
    ready.write("var/lib/moat/guard.state", "owners")
    before = ready.flash()
    ready.service("stop")
    assert ready.flash() == before
