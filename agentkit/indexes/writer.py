"""What a sync does to an index, verb by verb. The story that uses them is `pipelines/indexing.py`."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from agentkit.embedders import embed
from agentkit.indexes.batches import batched
from agentkit.indexes.records import FileRecord, KnownFile, SkipRecord, searched_text

if TYPE_CHECKING:
    from agentkit.indexes.index import Index

_EMBED_AT_ONCE = 256
"""Chunks between two commits of embeddings: what a crash can cost."""


class IndexWriter:
    """An index whose writer lock is held. Made by `Index.writer`."""

    def __init__(self, index: "Index") -> None:
        self.index = index
        self.catalog = index.catalog

    def stage(self, files: Sequence[FileRecord]) -> None:
        """Keep files that were read, and embed those of their texts that no chunk had before. Durable on return.

        The embeddings come first: what is staged is taken for ready by the next sync, also after a crash in between.
        """
        for texts in batched(self._texts_to_embed(files), _EMBED_AT_ONCE):
            vectors = embed(self.index.embedder, [text for _, text in texts])
            self.catalog.add_embeddings([digest for digest, _ in texts], vectors)
        self.catalog.stage(files)

    def publish(
        self,
        *,
        removed: Collection[str],
        skipped: Mapping[str, SkipRecord],
        restamped: Mapping[str, KnownFile],
    ) -> None:
        """Make what is staged, and what vanished, the index's state (see `index.py` for the order and why)."""
        with self.index.vectors.changing() as store:
            store.upsert(self.catalog.staged_vectors())
            gone = self.catalog.publish(removed=removed, skipped=skipped, restamped=restamped)
            store.delete(gone)

    def _texts_to_embed(self, files: Sequence[FileRecord]) -> list[tuple[str, str]]:
        texts = {c.text_hash: searched_text(file.metadata, file.text, c) for file in files for c in file.chunks}
        missing = self.catalog.missing_embeddings(texts)
        return [(digest, text) for digest, text in texts.items() if digest in missing]
