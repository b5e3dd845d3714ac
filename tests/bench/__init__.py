"""Tests of the measuring itself: a benchmark that cannot see an error measures nothing."""
