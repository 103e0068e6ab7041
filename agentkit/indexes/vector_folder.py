"""An index's vector store on the disk: opened only where it is sound, made again from the catalog where it is not."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from agentkit.errors import IndexLockedError, VectorsDamagedError
from agentkit.indexes.catalog import VECTORS_NAME, Catalog
from agentkit.indexes.lock import writer_lock
from agentkit.indexes.manifest import forget_manifest, manifest_problem, write_manifest
from agentkit.indexes.vectors import VectorStore, import_chroma


class VectorFolder:
    """The folder `vectors` of an index, and the store in it once it is open. For several threads."""

    def __init__(self, directory: Path, catalog: Catalog) -> None:
        """`directory` is the index's folder."""
        self.path = directory / VECTORS_NAME
        self._directory = directory
        self._catalog = catalog
        self._lock = threading.RLock()
        self._store: VectorStore | None = None
        self._generation = ""
        """Of the catalog when the store was opened."""

    def is_current(self, store: VectorStore) -> bool:
        """True while `store` is the one that is open for reading, and holds what the catalog publishes."""
        is_open = self._store is store  # another thread may have closed it and opened a newer one
        return is_open and not self._catalog.is_dirty and self._catalog.generation == self._generation

    def prepare(self) -> None:
        """Begin to import Chroma beside whatever comes before there is something to write."""
        threading.Thread(target=import_chroma, name="agentkit-chroma", daemon=True).start()

    def open_for_reading(self) -> VectorStore | None:
        """The store where it can be trusted now; None where another process is writing it."""
        with self._lock:
            if self._store is not None and self.is_current(self._store):
                return self._store
            self.close()
            with suppress(IndexLockedError), writer_lock(self._directory, patience_s=0):
                self._store, self._generation = self._open(), self._catalog.generation
            return self._store

    @contextmanager
    def changing(self) -> Iterator[VectorStore]:
        """The store, to be changed inside together with the catalog. Needs the writer lock.

        The catalog is *dirty* meanwhile, and stays so where the change does not come to its end.
        """
        self.close()
        store = self._open()
        try:
            self._catalog.set_facts({"dirty": "yes"})
            yield store
        finally:
            store.close()
        write_manifest(self.path, self._catalog.generation)
        self._catalog.set_facts({"dirty": "no"})

    def rebuild(self) -> None:
        """Make the store again beside the old one, from the catalog's embeddings, and switch by rename.

        Needs the writer lock.
        """
        self.close()
        new, old = (self._directory / (VECTORS_NAME + suffix) for suffix in (".new", ".old"))
        self._remove_leftovers()
        with closing(VectorStore(new)) as store:
            store.upsert(self._catalog.vectors())
        write_manifest(new, self._catalog.generation)
        if self.path.exists():
            self.path.rename(old)
        new.rename(self.path)
        self._remove_leftovers()
        self._catalog.set_facts({"dirty": "no"})

    def mend(self) -> None:
        """Make the store again where a crash or damage shows; opens nothing where none does. Needs the writer lock."""
        if self._catalog.is_dirty or manifest_problem(self.path, self._catalog.generation):
            self.rebuild()

    def distrust(self) -> None:
        """Have the store made again before it is opened next: Chroma found it spoilt."""
        self.close()
        forget_manifest(self.path)

    def close(self) -> None:
        """Let go of the store. Calling it twice does nothing."""
        with self._lock:
            if self._store is not None:
                store, self._store = self._store, None
                store.close()

    def _open(self) -> VectorStore:
        """The store, sound: made again from the catalog's embeddings where it is not."""
        store = self._open_sound()
        if store is None:
            self.rebuild()
            store = VectorStore(self.path)
        return store

    def _open_sound(self) -> VectorStore | None:
        """The store as it is on the disk; None where it is damaged or not that of the catalog's state."""
        if self._catalog.is_dirty or manifest_problem(self.path, self._catalog.generation):
            return None
        try:
            store = VectorStore(self.path)
            if store.count() == self._catalog.chunk_count():
                return store
        except VectorsDamagedError:
            return None
        store.close()
        return None

    def _remove_leftovers(self) -> None:
        for suffix in (".new", ".old"):
            shutil.rmtree(self._directory / (VECTORS_NAME + suffix), ignore_errors=True)
