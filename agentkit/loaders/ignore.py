"""`.gitignore` and `.agentkitignore`: git's own rules, through `pathspec`.

The ignore files of the walked folder and of those below it count, not those above it: a folder that a person names is
read whatever its parents say. `.agentkitignore` is read last, so it can take back what `.gitignore` names.
"""

import re
import stat
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from agentkit.paths import composed

_NAMES = (".gitignore", ".agentkitignore")
_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one ignore file."""

    folder: str
    """From the root, with forward slashes; "" for the root."""
    spec: GitIgnoreSpec


def read_rules(folder: Path, relative: str) -> tuple[IgnoreRules, ...]:
    """The rules that one folder adds, the weightiest last.

    As with git, only from regular files: a link or a pipe of that name could lead out of the folder or never end.
    """
    found = []
    for name in _NAMES:
        file = folder / name
        try:
            status = file.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_BYTES:
                continue
            lines = file.read_text("utf-8-sig", "replace").split("\n")
        except OSError:
            continue
        found.append(IgnoreRules(relative, read_lines(lines)))
    return tuple(found)


def is_ignored(name: str, rules: tuple[IgnoreRules, ...], *, is_folder: bool) -> bool:
    """The innermost folder's rule that says anything about the name decides, as in git."""
    for rule in reversed(rules):
        inside = composed(name[len(rule.folder) + 1 :] if rule.folder else name)
        verdict = rule.spec.check_file(inside + "/" if is_folder else inside).include
        if verdict is not None:
            return verdict
    return False


def read_lines(lines: Iterable[str]) -> GitIgnoreSpec:
    """The rules of some lines, for `composed` names. Those that are no pattern are passed over, as git does; pathspec
    raises for them.
    """
    good = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of brackets in brackets, from `re`
        for line in map(composed, lines):
            try:
                GitIgnoreSpec.from_lines([line])
            except (ValueError, re.error):
                continue
            good.append(line)
        return GitIgnoreSpec.from_lines(good)
