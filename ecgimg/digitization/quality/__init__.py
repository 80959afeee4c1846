"""How far a page and its leads can be trusted."""
