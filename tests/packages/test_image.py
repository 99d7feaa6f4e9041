"""The container image: what is in it, that it builds for each processor, and that it starts there."""

import json
import os
import shutil

import pytest

from images import EMULATORS, HEALTHY, NAME, SMALL

PLATFORMS = {"x86_64": ("linux/amd64", "amd64"), "aarch64": ("linux/arm64", "arm64"), "armv7": ("linux/arm/v7", "arm")}
MOST_BYTES = 3_000_000
ENVIRONMENT = ("-e", "MOAT_UPSTREAM=127.0.0.1:1883", "-e", "MOAT_CERTIFICATE=/etc/moat/tls/server.crt",
               "-e", "MOAT_KEY=/etc/moat/tls/server.key", "-e", "MOAT_PASSWORD_FILE=/etc/moat/passwords")


@pytest.fixture(scope="module", params=PLATFORMS)
def built(request, images):
    """(processor, name of the image, what podman tells of it)"""
    processor = request.param
    platform = PLATFORMS[processor][0]
    name = images.pack(processor, f"localhost/moat:{processor}", "--platform", platform)
    return processor, name, json.loads(images.room.call("inspect", name))[0]


def test_image_holds_one_small_program(built, images):
    processor, name, told = built
    print(f"image for {processor}: {told['Size']} bytes, of at most {MOST_BYTES}")
    assert told["Size"] <= MOST_BYTES
    assert told["Architecture"] == PLATFORMS[processor][1] and told["Os"] == "linux"
    mounted = images.room.call("image", "mount", name).strip()
    try:
        found = images.room.within("find", mounted, "-mindepth", "1", "-printf", "%P %m\n").split("\n")
    finally:
        images.room.call("image", "umount", name)
    assert [line for line in found if line] == ["moat 755"]


def test_image_says_how_it_is_run(built, images, top):
    _, _, told = built
    config = told["Config"]
    assert config["User"] == "65532:65532"
    assert (config["Entrypoint"], config["Cmd"]) == (["/moat"], ["run"])
    assert list(config["ExposedPorts"]) == ["8883/tcp"]
    assert told["Healthcheck"]["Test"] == ["CMD", "/moat", "healthcheck"]
    labels = {key.rpartition(".")[2]: value for key, value in config["Labels"].items()
              if key.startswith("org.opencontainers.image.")}
    with open(os.path.join(top, "meson.build"), encoding="utf-8") as file:
        version = file.read().partition("version: '")[2].partition("'")[0]
    assert labels["version"] == version and labels["licenses"] == "Apache-2.0"
    assert labels["title"] and labels["description"]


def test_image_is_the_same_each_time(built, images):
    processor, name, told = built
    again = images.pack(processor, f"{name}-again", "--platform", PLATFORMS[processor][0], "--no-cache")
    assert json.loads(images.room.call("inspect", again))[0]["RootFS"] == told["RootFS"]


def test_image_starts(built, images, secrets):
    """By variables alone, with a root that cannot be written to, no capability, 32 MiB, as another user."""
    processor, name, _ = built
    emulator = EMULATORS[processor]
    extra, command = (), ()
    if emulator:
        path = shutil.which(emulator)
        if not path:
            pytest.skip(f"{emulator} is not installed; run deploy/install-packages cross")
        extra, command = ("-v", f"{path}:/emulator:ro", "--entrypoint", "/emulator"), ("/moat", "run")
    container = images.start(name, "--network=none", *SMALL, *ENVIRONMENT, *extra, "-v", f"{secrets}:/etc/moat:ro",
                             command=command)
    try:
        assert "version" not in container.wait_line("event=ready")
        if emulator:
            # The probe is of the same processor; its container would have to be told of the emulator.
            assert container.sh("/emulator", "/moat", "healthcheck", "--ready") == "moat_ready 1\n"
        else:
            assert images.room.try_call("healthcheck", "run", container.name)[0] == HEALTHY
            assert container.sh("/moat", "healthcheck", "--ready") == "moat_ready 1\n"
            assert "capabilities=none no_new_privs=yes" in container.wait_line("event=sandbox ")
    finally:
        container.remove()


def test_image_without_what_it_needs_says_what(images):
    container = images.start(NAME, "--network=none", *SMALL)
    try:
        assert container.wait() == os.EX_NOINPUT
        said = container.log()
        assert "MOAT_UPSTREAM" in said and "/etc/moat/moat.yaml" in said, said
    finally:
        container.remove()


def test_debug_image_has_a_shell(images):
    name = images.pack("x86_64", "localhost/moat:debug", "--target=debug")
    assert images.room.call("run", "--rm", "--network=none", "--entrypoint", "sh", name, "-c",
                            "id -u; /moat --version").split() == ["65532", "moat", images.version]


def test_image_from_nothing_but_the_sources(images):
    """What a stranger does: compiled within, on Debian's image with Debian's packages."""
    images.room.build(images.top, "-f", images.dockerfile, "-t", "localhost/moat:compiled", has_network=True)
    assert images.room.call("run", "--rm", "--network=none", "localhost/moat:compiled",
                            "--version").split() == ["moat", images.version]
