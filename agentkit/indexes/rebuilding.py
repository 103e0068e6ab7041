"""Make again what can be made from the catalog's texts: the keyword index. The vectors are `VectorFolder`'s."""

from sqlite3 import Connection

from agentkit.errors import IndexDamagedError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.records import searched_text
from agentkit.indexes.schema import KEYWORD_INDEX
from agentkit.indexes.verifying import find_embedding_problems


def rebuild_keyword_index(catalog: Catalog) -> None:
    """Make the keyword index again, in one transaction. Needs the writer lock.

    Raises:
        IndexDamagedError: a file's record cannot be read.
    """
    with catalog.transaction() as connection:
        empty_keyword_index(connection)
        for path in catalog.paths():
            try:
                metadata, text = catalog.contents([path])[path]
                words = [(chunk.id, searched_text(metadata, text, chunk)) for chunk in catalog.chunks_of(path)]
            except (ValueError, TypeError, AttributeError) as error:
                raise IndexDamagedError(
                    f"the record of {path} cannot be read: index its folder again with --full"
                ) from error
            connection.executemany(
                "INSERT INTO chunks_fts (rowid, text) SELECT number, ?2 FROM chunks WHERE id = ?1", words
            )


def empty_keyword_index(connection: Connection) -> None:
    """A new keyword index in place of the one that there is, whatever state that is in."""
    connection.execute("DROP TABLE chunks_vocabulary")
    connection.execute("DROP TABLE chunks_fts")
    for statement in KEYWORD_INDEX:
        connection.execute(statement)


def require_embeddings(catalog: Catalog, name: str) -> None:
    """Do nothing where vectors can be made of the catalog's embeddings.

    Raises:
        IndexDamagedError: some are missing or spoilt.
    """
    mend = f"agentkit indexes rebuild {name} --reembed"
    for problem in find_embedding_problems(catalog, mend):
        raise IndexDamagedError(f"{problem.what}: make them again from the catalog's texts with: {mend}")
