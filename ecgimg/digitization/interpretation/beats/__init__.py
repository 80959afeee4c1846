"""What beats tell about columns: heart rate, repetition within a lead, and coincidence between leads."""
