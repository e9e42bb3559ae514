"""The index over all notes of a repository: `index` answers questions, `indexer` reads notes and commits into it."""
