"""What is true of a page, and in which forms it is written."""
