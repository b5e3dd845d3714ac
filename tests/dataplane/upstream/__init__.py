"""Tests of the edge to providers: one contract suite for both transports."""
