"""What deploy/release makes: all of it, twice the same, from a tarball that needs no git."""

import configparser
import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest


@pytest.fixture(scope="module")
def releases(top, tmp_path_factory):
    """Two folders, each with the whole of a release, built in different places."""
    if not os.path.exists(os.path.join(top, ".git")):
        pytest.skip("a release is made from a checkout of git, and this is none")
    for program in ("git", "dh", "scdoc"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed; see deploy/install-packages")
    # A copy, as meson dist takes no checkout with changes in it: this is about what is committed.
    checkout = str(tmp_path_factory.mktemp("checkout"))
    subprocess.run(["git", "-c", "advice.detachedHead=false", "clone", "-q", "--no-hardlinks", top, checkout], check=True)
    environment = {**os.environ, "SOURCE_TARBALLS": os.path.join(top, "subprojects/packagefiles")}
    folders = []
    for name in ("first", "second"):
        folder = str(tmp_path_factory.mktemp(name))
        done = subprocess.run([os.path.join(checkout, "deploy/release"), folder], capture_output=True, text=True,
                              env=environment, check=False)
        assert done.returncode == 0, done.stderr
        folders.append(folder)
    return folders


def read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as file:
        return file.read()


def test_two_releases_are_the_same_to_the_last_bit(releases):
    first, second = (read(folder, "SHA256SUMS") for folder in releases)
    assert first == second


def test_the_checksums_are_those_of_all_there_is(releases):
    folder = releases[0]
    listed = re.findall(r"^[0-9a-f]{64}  (.*)$", read(folder, "SHA256SUMS"), re.MULTILINE)
    assert sorted([*listed, "SHA256SUMS"]) == sorted(os.listdir(folder))
    assert [re.sub(r"[0-9.]+[0-9]", "N", name) for name in listed] == \
        ["moat-N.cdx.json", "moat-N.tar.xz", "moat_N_amdN.deb"] or not os.uname().machine == "x86_64"
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    with open(os.path.join(folder, listed[0]), "ab") as file:
        file.write(b"\n")
    done = subprocess.run(["sha256sum", "--status", "-c", "SHA256SUMS"], cwd=folder, check=False, stderr=subprocess.DEVNULL)
    assert done.returncode != 0


def test_the_tarball_holds_what_is_committed_and_needs_no_git(releases, top):
    found, = (name for name in os.listdir(releases[0]) if name.endswith(".tar.xz"))
    with tarfile.open(os.path.join(releases[0], found)) as tarball:
        names = [name.split("/", 1)[1] for name in tarball.getnames() if "/" in name]
        files = [member.name.split("/", 1)[1] for member in tarball.getmembers() if not member.isdir()]
    assert not [name for name in names if name.split("/")[0] == ".git"]
    tracked = subprocess.run(["git", "-c", "core.quotePath=off", "ls-tree", "-r", "--name-only", "HEAD"], cwd=top,
                             capture_output=True, text=True, check=True).stdout.split("\n")
    assert sorted(files) == sorted(filter(None, tracked))
    # The package was built from it; git was never asked on the way.
    for script in ("deploy/debian/build", "deploy/debian/rules", "meson.build", "src/meson.build", "deploy/debian-source"):
        assert not re.search(r"\bgit (?!is\b)", read(top, script)), script


def bill_of(folder):
    name, = (name for name in os.listdir(folder) if name.endswith(".cdx.json"))
    return json.loads(read(folder, name))


def test_the_bill_names_boringssl_by_its_pin(releases, top):
    bill = bill_of(releases[1])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    wrap = configparser.ConfigParser()
    wrap.read(os.path.join(top, "subprojects/boringssl.wrap"))
    boringssl, = (part for part in bill["components"] if part["name"] == "boringssl")
    source, = boringssl["externalReferences"]
    assert source["hashes"] == [{"alg": "SHA-256", "content": wrap["wrap-file"]["source_hash"]}]
    assert source["comment"] == wrap["wrap-file"]["source_filename"]
    assert boringssl["version"] in source["comment"]


def test_the_bill_names_every_library_that_the_package_needs(releases):
    """What the program in the package asks the loader for, but the C library, is in the bill."""
    bill = bill_of(releases[1])
    deb, = (name for name in os.listdir(releases[1]) if name.endswith(".deb"))
    needs = subprocess.run(["dpkg-deb", "-f", os.path.join(releases[1], deb), "Depends"], capture_output=True, text=True,
                           check=True).stdout
    dynamic = {part["name"] for part in bill["components"]
               if {"name": "moat:linked", "value": "dynamic"} in part.get("properties", [])}
    wanted = {"libuv1": "libuv", "libyaml-0-2": "libyaml", "libargon2-1": "argon2"}
    asked = {wanted.get(name, name) for name in re.findall(r"([a-z0-9][a-z0-9.+-]+)(?: \([^)]*\))?(?:,|$)", needs.strip())
             if name.startswith("lib") and name != "libc6"}
    assert asked == dynamic
    references = {part["bom-ref"] for part in bill["components"]}
    assert set(bill["dependencies"][0]["dependsOn"]) == references
