"""What the rows mean: layout, scale, columns."""
