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

import machine as machines  # noqa: E402


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
    reason = machines.missing()
    if reason:
        pytest.skip(reason)
    folder = os.environ.get("MOAT_TEST_ROOT") or str(tmp_path_factory.mktemp("root"))
    reason = None if os.listdir(folder) else machines.make_root(folder)
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
