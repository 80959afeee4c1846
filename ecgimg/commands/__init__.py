"""The larger groups of commands, each thin: parse, call, write."""
