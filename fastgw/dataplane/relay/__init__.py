"""Stage 6: the answer on its way back, unary and streamed."""
