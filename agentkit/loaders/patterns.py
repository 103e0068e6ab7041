"""Which files of a folder a person wants: patterns to include and to exclude, as in a `.gitignore`."""

from dataclasses import dataclass
from functools import cached_property

from pathspec import GitIgnoreSpec

from agentkit.loaders.ignore import read_lines


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
        if self.exclude and self._excluded.match_file(relative + "/" if is_folder else relative):
            return True
        return bool(self.include) and not is_folder and not self._included.match_file(relative)

    @cached_property
    def _included(self) -> GitIgnoreSpec:
        return read_lines(self.include)

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        return read_lines(self.exclude)
