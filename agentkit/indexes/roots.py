"""The folders and files that an index is made of: which one a path belongs to, and what is read of it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path

from agentkit.errors import IndexingError
from agentkit.indexes.catalog import Catalog
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

    def path_of(self, relative: str) -> str:
        """What the index calls a file; `relative` is from the root, or the name of a root that is a file."""
        if not self.prefix or self.prefix.endswith("/"):
            return self.prefix + relative
        return self.prefix if relative == Path(self.source).name else f"{self.prefix}/{relative}"


class Roots:
    """The roots of an index, and those that a sync adds. Nothing is written before `remember`."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        """`name` is the index's, for messages."""
        self._catalog = catalog
        self._name = name
        self._paths: Iterable[str] = catalog.paths()
        patterns = remembered_patterns(catalog)
        self._roots = {
            source: Root(source, prefix, patterns.get(source, PathPatterns()))
            for source, prefix in catalog.roots().items()
        }

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
                    f"patterns count for all of {root.source}, which {source} is a part of in the index {self._name}: "
                    "give them with that folder, or give this one an index of its own with --name"
                )
            root = Root(root.source, root.prefix, patterns)
        self._roots[root.source] = root
        return root

    def remember(self) -> None:
        """Keep the roots that are new, and the patterns, in the catalog."""
        known = self._catalog.roots()
        for root in self._roots.values():
            if root.source not in known:
                self._catalog.add_root(root.source, root.prefix)
        patterns = {source: asdict(root.patterns) for source, root in self._roots.items() if str(root.patterns)}
        if (kept := json.dumps(patterns, ensure_ascii=False)) != (self._catalog.fact(_PATTERNS) or "{}"):
            self._catalog.set_facts({_PATTERNS: kept})

    def _known(self, source: Path, wanted: Path) -> Root | None:
        for known, root in self._roots.items():
            if wanted.is_relative_to(known):
                return root
            if Path(known).is_relative_to(wanted):
                raise IndexingError(
                    f"{source} contains {known}, which the index {self._name} already has: "
                    "give the larger folder an index of its own with --name"
                )
        return None

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
