"""What the tests of packages share: the package, and machines to install it on."""

import glob
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "integration")]

import images as of_images  # noqa: E402
import machine as machines  # noqa: E402
from harness import podman  # noqa: E402
from harness.pki import Pki  # noqa: E402
from harness.tls_client import TlsSettings  # noqa: E402


@pytest.fixture(scope="session")
def top():
    return TOP


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Path of the built moat_*.deb."""
    if not shutil.which("dpkg-buildpackage") or not shutil.which("dh"):
        pytest.skip("debhelper is not installed; see deploy/install-packages")
    folder = str(tmp_path_factory.mktemp("deb"))
    done = subprocess.run([os.path.join(TOP, "deploy/debian/build"), folder], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    found, = glob.glob(os.path.join(folder, "moat_*.deb"))
    return found


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """The root of a minimal Debian; $MOAT_TEST_ROOT, once made, is taken as it is."""
    reason = podman.missing()
    if reason:
        pytest.skip(reason)
    folder = os.environ.get("MOAT_TEST_ROOT") or str(tmp_path_factory.mktemp("root"))
    reason = None if os.listdir(folder) else podman.make_root(folder, machines.INSIDE)
    if reason:
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="module")
def machine(root, package, tmp_path_factory):
    """A machine on which the package is not yet installed; it is /shared/moat.deb there."""
    folder = tmp_path_factory.mktemp("machine")
    shutil.copy(package, folder / "moat.deb")
    made = machines.Machine(root, folder)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def images(root, tmp_path_factory):
    """The image of the gate, and what else is needed to build and to run it."""
    reason = of_images.missing()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("images")
    os.chmod(folder, 0o755)
    room = podman.Room(folder)
    try:
        yield of_images.Images(room, root, TOP, folder)
    finally:
        room.close()


@pytest.fixture(scope="session")
def secrets(images):
    return images.secrets("secrets")[0]


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def settings(pki):
    """Of a client that knows the server's authority."""
    return TlsSettings(ca=pki.server_ca.certificate)
