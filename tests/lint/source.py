"""What the lint scripts share: which files there are, and C without comments and texts."""

import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77


def files(*patterns):
    """Paths, relative to the top, of the project's own files that match a regular expression.
    What git ignores is not ours; where there is no git, neither are builds and subprojects."""
    listed = subprocess.run(["git", "-C", TOP, "-c", f"safe.directory={TOP}", "ls-files", "-co",
                             "--exclude-standard"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:
        paths = []
        for folder, folders, names in os.walk(TOP):
            folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__")
                          and not name.startswith("android-platform")]
            paths += [os.path.relpath(os.path.join(folder, name), TOP) for name in names]
    wanted = [re.compile(pattern) for pattern in patterns]
    return sorted(path for path in set(paths) if any(one.search(path) for one in wanted)
                  and os.path.isfile(os.path.join(TOP, path)))


def c_files():
    """The C of the program and of its unit tests."""
    return files(r"^(src|include|tests/unit)/.*\.[ch]$")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def first_line(path):
    with open(os.path.join(TOP, path), "rb") as file:
        return file.readline(200).decode("utf-8", "replace").rstrip("\n")


BLANKED = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_lines(path):
    """The lines of a C file; comments and the insides of texts are blanks, #include lines stay."""
    def blank(found):
        return re.sub(r"[^\n]", " ", found[0])
    whole = read(path)
    blanked = BLANKED.sub(blank, whole).split("\n")
    return [line if line.lstrip().startswith("#include") else other
            for line, other in zip(whole.split("\n"), blanked)]


class Faults:
    def __init__(self):
        self.count = 0

    def add(self, path, line, what):
        self.count += 1
        print(f"{path}:{line}: {what}")

    def finish(self):
        sys.exit(1 if self.count else 0)


def skip(reason):
    print(reason)
    sys.exit(SKIPPED)


def tool(name):
    """The path of a program, or None."""
    for folder in os.environ.get("PATH", "").split(":"):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    return None


def build_folder():
    """The optimised build that tests/run made."""
    folder = os.environ.get("MOAT_BUILD")
    if not folder:
        skip("MOAT_BUILD names no build to look at; tests/run lint makes one")
    return folder
