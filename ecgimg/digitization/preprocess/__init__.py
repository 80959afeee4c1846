"""What is done to the picture before anything is looked for in it."""
