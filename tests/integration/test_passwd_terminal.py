"""moat passwd at a person's terminal: asked twice, nothing shown, nothing left quiet."""

import os
import pty
import select
import signal
import termios
import time

from harness.moat import binary


class Terminal:
    """`moat passwd` with a person's terminal on all three descriptors."""

    def __init__(self, *arguments):
        self.screen = b""
        self.process, self.fd = pty.fork()
        if self.process == 0:
            # Whoever runs the tests in the background hands down an ignored Ctrl-C.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(binary(), [binary(), "passwd", *map(str, arguments)])

    def read_until(self, text):
        deadline = time.monotonic() + 20
        while text not in self.screen:
            assert time.monotonic() < deadline, self.screen
            if select.select([self.fd], [], [], 0.2)[0]:
                self.screen += os.read(self.fd, 4096)

    def type(self, text):
        os.write(self.fd, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        """The exit code; a negative signal number where one ended it."""
        while True:
            try:
                got = os.read(self.fd, 4096)
            except OSError:
                got = b""
            if not got:
                break
            self.screen += got
        _, status = os.waitpid(self.process, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_a_terminal_is_asked_twice_and_shows_nothing(tmp_path):
    terminal = Terminal(tmp_path / "passwords", "bob", "--iterations", "101")
    terminal.read_until(b"Password: ")
    assert not terminal.echoes()
    terminal.type(b"hunter two\n")
    terminal.read_until(b"Again: ")
    terminal.type(b"hunter two\n")
    assert terminal.end() == 0, terminal.screen
    assert b"hunter" not in terminal.screen
    assert (tmp_path / "passwords").read_bytes().startswith(b"bob:$7$101$")


def test_a_terminal_with_two_answers(tmp_path):
    terminal = Terminal(tmp_path / "passwords", "bob", "--iterations", "101")
    terminal.read_until(b"Password: ")
    terminal.type(b"hunter two\n")
    terminal.read_until(b"Again: ")
    terminal.type(b"hunter too\n")
    assert terminal.end() == 65
    assert b"differ" in terminal.screen and b"hunter" not in terminal.screen
    assert not list(tmp_path.iterdir())


def test_control_c_at_the_terminal(tmp_path):
    terminal = Terminal(tmp_path / "passwords", "bob", "--iterations", "101")
    terminal.read_until(b"Password: ")
    terminal.type(b"hunter\x03")
    assert terminal.end() == -signal.SIGINT
    assert not list(tmp_path.iterdir())
