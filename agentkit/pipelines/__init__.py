"""The stories that the commands tell: indexing a folder, answering a question."""
