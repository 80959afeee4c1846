"""The loops that make the shipped weights, from synthetic pages and from records. Needs the ``train`` extra."""
