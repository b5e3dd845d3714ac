"""Stage 8: journal the outcome and give back what admission took."""
