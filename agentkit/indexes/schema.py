"""The catalog's tables, the version that is kept in SQLite's `user_version`, and the way from one to the next."""

VERSION = 5
TOKENIZER = "porter unicode61"
"""How the keyword index cuts text into words."""

_LOOKED_AFTER = """
-- Files and folders that must not come back: paths or patterns, as `indexes forget` was given them; behind ./ a path
-- that is no pattern.
CREATE TABLE forgotten (pattern TEXT PRIMARY KEY) WITHOUT ROWID;
-- What a rebuild with other chunks or another embedder has made but not switched to.
CREATE TABLE remade (path TEXT PRIMARY KEY, chunks TEXT NOT NULL); -- chunks as in staged
CREATE TABLE remade_embeddings (text_hash TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""

_LOADERS = "".join(
    f"ALTER TABLE {table} ADD COLUMN loader TEXT NOT NULL DEFAULT '';\n" for table in ("files", "skipped", "staged")
)
"""What read a file, such as `html-2`: nothing that a catalog made before remembers."""

KEYWORD_INDEX = (
    f"CREATE VIRTUAL TABLE chunks_fts USING fts5 (text, tokenize = '{TOKENIZER}');",  # rowid = chunks.number
    "CREATE VIRTUAL TABLE chunks_vocabulary USING fts5vocab (chunks_fts, row);",  # a view of the words in chunks_fts
)

_KEYWORD_INDEX = "\n".join(KEYWORD_INDEX)
MIGRATIONS = {2: _LOOKED_AFTER, 3: "DROP INDEX IF EXISTS files_by_sha256;\n", 4: _LOADERS}
"""From a version to the next one."""

SCHEMA = f"""
-- The catalog of one index: the truth that everything else can be made from again.
-- Offsets count characters (Python string indexes) into files.text.
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (source TEXT PRIMARY KEY, prefix TEXT NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    source TEXT NOT NULL REFERENCES roots (source),
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    metadata TEXT NOT NULL, -- JSON: title, format, page_offsets, …
    text TEXT NOT NULL
);
CREATE TABLE skipped (
    path TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL REFERENCES files (path),
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    heading_path TEXT NOT NULL, -- JSON list
    text_hash TEXT NOT NULL REFERENCES embeddings (text_hash)
);
CREATE INDEX chunks_by_path ON chunks (path, start);
CREATE INDEX chunks_by_text ON chunks (text_hash);
CREATE TABLE embeddings (text_hash TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID; -- float32, little-endian
{_KEYWORD_INDEX}
-- What a running sync has read but not published; the next sync after a crash goes on from it.
CREATE TABLE staged (
    path TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    metadata TEXT NOT NULL,
    text TEXT NOT NULL,
    chunks TEXT NOT NULL -- JSON list of [id, start, end, heading_path, text_hash]
);
{_LOOKED_AFTER}{_LOADERS}"""
