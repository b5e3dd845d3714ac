"""Stage 5: the only room that opens connections for provider traffic."""
