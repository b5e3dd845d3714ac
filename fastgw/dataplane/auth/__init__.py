"""Stage 2: from the headers of a request to a principal."""
