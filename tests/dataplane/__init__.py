"""Tests of the request path's stages."""
