"""Stage 1: paths, bounded bodies, and the peek at what a caller asks for."""
