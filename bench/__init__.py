"""Programs that measure; each says in its docstring what, and docs/performance-*.md what came out."""
