"""What several commands share: options, choices, the configuration file, messages and progress."""
