"""From the picture to flat paper in millimetres: by the grid, else by the paper's outline and the rows of traces."""
