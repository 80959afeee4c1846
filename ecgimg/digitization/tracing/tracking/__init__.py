"""Which ink each row takes: paths of single rows, mended by those of the others, and overlaps separated."""
