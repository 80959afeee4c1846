"""How good it is: scores of digitized pages against the truth, and against the page's own physics."""
