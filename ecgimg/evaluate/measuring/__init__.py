"""How well records and pages are measured: against annotations, through pages, and against what readers stated."""
