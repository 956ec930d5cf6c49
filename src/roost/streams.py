"""Several commands at a time, their output line by line as it comes."""

import subprocess
import sys
import threading
from collections.abc import Mapping

_GRACE_SECONDS = 5


def stream(commands: Mapping[str, list[str]]) -> dict[str, int]:
    """Run all commands and print what they write; with more than one, each line begins with the command's name.

    Returns their exit codes by name. All commands are ended with this call, whatever ends it.
    """
    width = max(map(len, commands), default=0)
    running: dict[str, subprocess.Popen[str]] = {}
    try:
        for name, command in commands.items():
            # A session of its own keeps Ctrl-C from it: it is ended here. What it runs ends with its standard input.
            running[name] = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        _print_all({f"{name:<{width}} | " if len(commands) > 1 else "": run for name, run in running.items()})
    finally:
        for process in running.values():
            _end(process)
    return {name: process.returncode for name, process in running.items()}


def _print_all(running: Mapping[str, subprocess.Popen[str]]) -> None:
    one_line = threading.Lock()

    def print_lines(prefix: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            with one_line:
                sys.stdout.write(prefix + line)
                sys.stdout.flush()
        process.wait()

    threads = [threading.Thread(target=print_lines, args=item, daemon=True) for item in running.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
