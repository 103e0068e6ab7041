"""The folders and files that an index is made of: which one a path belongs to, and what is read of it."""

import json
import os
import shlex
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain, count, product
from pathlib import Path

from agentkit.errors import IndexingError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.summary import place_of
from agentkit.loaders import PathPatterns

_PATTERNS = "patterns"
"""The fact that holds every root's patterns, as JSON."""


@dataclass(frozen=True, slots=True)
class Root:
    """A folder or file that is indexed."""

    source: str
    prefix: str
    """What its files' paths begin with; the whole path of a file that is a root by itself."""
    patterns: PathPatterns
    moved_from: str = ""
    """Where it was when it was indexed, if that is not `source`."""

    @property
    def known_as(self) -> str:
        """Its source in the catalog."""
        return self.moved_from or self.source

    def path_of(self, relative: str) -> str:
        """What the index calls a file; `relative` is from the root, or the name of a root that is a file."""
        if not self.prefix or self.prefix.endswith("/"):
            return self.prefix + relative
        return self.prefix if relative == Path(self.source).name else f"{self.prefix}/{relative}"


class Roots:
    """The roots of an index, and those that a sync adds. Nothing is written before `remember`."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        """`name` is the index's, for messages."""
        self.name = name
        self._catalog = catalog
        self._paths: Iterable[str] = catalog.paths()
        patterns = remembered_patterns(catalog)
        self._roots = {
            source: Root(source, prefix, patterns.get(source, PathPatterns()))
            for source, prefix in catalog.roots().items()
        }

    @property
    def moved(self) -> tuple[tuple[str, str], ...]:
        """From and to, of those that `follow` found at another place."""
        return tuple(sorted((root.moved_from, root.source) for root in self._roots.values() if root.moved_from))

    @property
    def gone(self) -> tuple[str, ...]:
        """Those whose folder or file is no longer there."""
        return tuple(sorted(source for source in self._roots if is_gone(source)))

    def follow(self, sources: Iterable[Path]) -> None:
        """Take the sources that are known folders or files at another place for what they are.

        Such a root is no longer where it was, and at least half of its files, and one, are in the source at the same
        paths and of the same sizes; times do not count, which a copy need not keep. A file must have its name. Of
        several that suit each other, those are the same that share most files, then those of the same name. Costs a
        `stat` a file of the roots that are gone, where a source is new.
        """
        places = [place for place in (source.resolve() for source in sources) if str(place) not in self._roots]
        roots = [root for root in self._roots.values() if self._may_have_moved(root, places)]
        found = [
            (shared, place.name == Path(root.source).name, root, place)
            for place, root in product(places, roots)
            if (shared := self._shared(root, place))
        ]
        for *_, root, place in sorted(found, key=lambda each: (-each[0], not each[1], each[2].source)):
            others = [source for source in self._roots if source != root.source]
            if root.source in self._roots and not any(_overlap(Path(other), place) for other in others):
                del self._roots[root.source]
                self._roots[str(place)] = replace(root, source=str(place), moved_from=root.source)

    def place(self, source: Path, patterns: PathPatterns | None = None) -> Root:
        """The root that `source` belongs to, from now on with these patterns, if any are given.

        The paths of the first folder begin with nothing; those of every later one with its name, and a file that is
        given by itself goes by its name (with a number where that is taken), so that two roots can hold files of the
        same name. A folder inside a known root is that root.

        Raises:
            IndexingError: the source contains a root that the index already has, or is a part of one and patterns are
                given for it; or one of those is no pattern.
        """
        wanted = source.resolve()
        root = self._known(source, wanted) or Root(str(wanted), self._free_prefix(wanted), PathPatterns())
        if patterns is not None:
            if problem := patterns.problem():
                raise IndexingError(problem)
            if root.source != str(wanted):
                raise IndexingError(
                    f"patterns count for all of {root.source}, which {source} is a part of in the index {self.name}: "
                    "give them with that folder, or give this one an index of its own with --name"
                )
            root = replace(root, patterns=patterns)
        self._roots[root.source] = root
        return root

    def remember(self) -> None:
        """Keep the roots that are new, those that have moved, and the patterns, in the catalog: all at once."""
        known = self._catalog.roots()
        added = {root.source: root.prefix for root in self._roots.values() if root.known_as not in known}
        patterns = {source: root.patterns for source, root in self._roots.items() if str(root.patterns)}
        kept = patterns_fact(patterns)
        is_same = kept[_PATTERNS] == (self._catalog.fact(_PATTERNS) or "{}")
        if added or self.moved or not is_same:
            self._catalog.change_roots(added=added, moved=dict(self.moved), facts=kept)

    def _may_have_moved(self, root: Root, places: Iterable[Path]) -> bool:
        return is_gone(root.source) or Path(os.path.realpath(root.source)) in places  # a link leads to the new place

    def _shared(self, root: Root, place: Path) -> int:
        """How many of the root's files are in the place; 0 where they are too few for the same folder."""
        if place.is_file() and place.name != Path(root.source).name:
            return 0
        staged, known = self._catalog.staged_files(root.source), self._catalog.known_files(root.source)
        files = [*staged.values(), *known.values()]
        sizes = {file.path: file.stamp.size for file in files if not file.skip_reason}
        shared = sum(_size(place_of(path, str(place), root.prefix)) == size for path, size in sizes.items())
        return shared if 2 * shared >= len(sizes) else 0

    def _known(self, source: Path, wanted: Path) -> Root | None:
        for known, root in self._roots.items():
            if wanted.is_relative_to(known):
                return root
            if Path(known).is_relative_to(wanted):
                raise IndexingError(
                    f"{source} contains {known}, which the index {self.name} already has: give the larger folder an "
                    f"index of its own with --name{self._or_drop(known)}"
                )
        return None

    def _or_drop(self, source: str) -> str:
        how = f"; or, since that is gone, drop it first with: {how_to_drop(self.name, source)}"
        return how if is_gone(source) else ""

    def _free_prefix(self, wanted: Path) -> str:
        is_folder = wanted.is_dir()
        if is_folder and not self._roots:
            return ""
        stem, suffix = (wanted.name, "") if is_folder else (wanted.stem, wanted.suffix)
        known = [*self._paths, *(root.prefix for root in self._roots.values())]
        taken = {path.partition("/")[0] for path in known}
        candidates = chain([wanted.name], (f"{stem}-{number}{suffix}" for number in count(2)))
        name = next(each for each in candidates if each not in taken and not self._is_in_first(each))
        return f"{name}/" if is_folder else name

    def _is_in_first(self, name: str) -> bool:
        """Whether the root whose paths begin with nothing has a file or folder of this name, indexed or not."""
        first = next((Path(root.source) for root in self._roots.values() if not root.prefix), None)
        try:
            return first is not None and (first / name).exists()
        except OSError:  # no permission
            return False


def remembered_patterns(catalog: Catalog) -> Mapping[str, PathPatterns]:
    """Root -> what is read of it, for those that have patterns."""
    remembered = json.loads(catalog.fact(_PATTERNS) or "{}")
    return {source: PathPatterns(tuple(each["include"]), tuple(each["exclude"])) for source, each in remembered.items()}


def patterns_fact(patterns: Mapping[str, PathPatterns]) -> dict[str, str]:
    """As the fact that `remembered_patterns` reads."""
    kept = {source: asdict(each) for source, each in patterns.items()}
    return {_PATTERNS: json.dumps(kept, ensure_ascii=False)}


def is_gone(source: str) -> bool:
    """Whether there is nothing at a root's place; False where that cannot be told, as without permission."""
    try:
        Path(source).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def how_to_drop(name: str, source: str) -> str:
    """The command that drops a root, with what was read of it, from the index `name`."""
    return f"agentkit indexes forget {name} {shlex.quote(source)}"


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _size(file: Path) -> int | None:
    """Bytes of a regular file; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
