"""Which files of a folder a person wants: patterns to include and to exclude, as in a `.gitignore`."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pathspec import GitIgnoreSpec

from agentkit.loaders.ignore import read_lines
from agentkit.paths import composed


@dataclass(frozen=True)
class PathPatterns:
    """What is read of a folder beside what its ignore files leave out. Paths are relative to the folder.

    With patterns to include, a file must match one of them; a file or folder that matches one to exclude is left out.

    >>> PathPatterns(include=("*.md",), exclude=("drafts/",)).leaves_out("drafts/a.md", is_folder=False)
    True
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def leaves_out(self, relative: str, *, is_folder: bool) -> bool:
        """Whether the file, or the folder with all that is in it, is not read."""
        relative = composed(relative)
        if self.exclude and self._excluded.match_file(relative + "/" if is_folder else relative):
            return True
        return bool(self.include) and not is_folder and not self._included.match_file(relative)

    def problem(self) -> str:
        """Why a pattern would be passed over; "" where each counts."""
        for patterns in (self.include, self.exclude):
            for number, pattern in enumerate(patterns):
                verdicts = [rule.include for rule in read_lines([pattern]).patterns if rule.include is not None]
                if not verdicts:
                    return f"{pattern!r} is no pattern as in a .gitignore"
                if number == 0 and not verdicts[0]:
                    return f"{pattern!r} takes back what a pattern before it names, and none is before it"
        return ""

    def __str__(self) -> str:
        """As options of the command line."""
        options = [("--include", each) for each in self.include] + [("--exclude", each) for each in self.exclude]
        return " ".join(f"{name} {shlex.quote(each)}" for name, each in options)

    @cached_property
    def _included(self) -> GitIgnoreSpec:
        return read_lines(self.include)

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        return read_lines(self.exclude)


def reminder(patterns: Iterable[PathPatterns]) -> str:
    """What to tell a person where nothing is found; "" where the patterns take everything."""
    narrow = " or ".join(dict.fromkeys(str(each) for each in patterns if each != PathPatterns()))
    return f"only files that suit {narrow} are read, as remembered: --include '*' takes all" if narrow else ""
