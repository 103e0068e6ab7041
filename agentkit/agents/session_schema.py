"""The tables of the sessions' file, and the version that is kept in SQLite's `user_version`."""

VERSION = 1

SCHEMA = """
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    id TEXT NOT NULL UNIQUE, -- what a person types
    title TEXT NOT NULL,
    workspace TEXT NOT NULL, -- its folder; empty where there was none
    setup TEXT NOT NULL, -- JSON: model, index, tools, strategy, system
    created_at REAL NOT NULL, -- seconds since 1970
    updated_at REAL NOT NULL
);
CREATE TABLE turns (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL REFERENCES sessions (number) ON DELETE CASCADE,
    question TEXT NOT NULL,
    attachments TEXT NOT NULL, -- JSON: [[name, text], …]
    replaces INTEGER, -- the turn that goes when this one is answered
    asked_at REAL NOT NULL,
    searched TEXT NOT NULL DEFAULT '', -- the question as it was searched for, where that is another one
    answer TEXT -- JSON without steps; NULL until the turn has ended
);
CREATE INDEX turns_by_session ON turns (session, number);
CREATE TABLE steps (
    turn INTEGER NOT NULL REFERENCES turns (number) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    step TEXT NOT NULL, -- JSON
    PRIMARY KEY (turn, number)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE turns_fts USING fts5 (question, answer, tokenize = 'porter unicode61'); -- rowid = turns.number
CREATE TRIGGER turns_forgotten AFTER DELETE ON turns BEGIN DELETE FROM turns_fts WHERE rowid = old.number; END;
"""
