"""Text to the clipboard: by the system's own program where there is one, else by asking the terminal (OSC 52)."""

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

from agentkit.cli._terminal import is_terminal
from agentkit.errors import AgentkitError

_PROGRAMS = (
    ("pbcopy", (), "darwin", None),
    ("clip.exe", (), "", "WSL_DISTRO_NAME"),
    ("wl-copy", (), "", "WAYLAND_DISPLAY"),
    ("xclip", ("-selection", "clipboard"), "", "DISPLAY"),
    ("xsel", ("--clipboard", "--input"), "", "DISPLAY"),
)
"""Program, arguments, platform and variable that must be there."""
_WAIT_S = 5


def copy(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Put `text` on the clipboard; says how.

    Raises:
        AgentkitError: there is neither a program nor a terminal.
    """
    for name, arguments, platform, variable in _PROGRAMS:
        if (platform and platform != sys.platform) or (variable and not environment.get(variable)):
            continue
        if (program := shutil.which(name)) and _run([program, *arguments], text):
            return f"copied with {name}"
    terminal = next(filter(is_terminal, (sys.stdout, sys.stderr)), None)
    if terminal is None:
        raise AgentkitError("nothing here can copy: there is no clipboard's program and no terminal. /save FILE writes")
    coded = base64.b64encode(text.encode("utf-8", "replace")).decode()
    terminal.write(f"\x1b]52;c;{coded}\x07")
    terminal.flush()
    return "copied, where this terminal lets programs copy (OSC 52)"


def _run(command: list[str], text: str) -> bool:
    try:
        subprocess.run(  # noqa: S603 one of the programs above; the text goes to its standard input
            command, input=text.encode("utf-8", "replace"), timeout=_WAIT_S, check=True, stdout=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
