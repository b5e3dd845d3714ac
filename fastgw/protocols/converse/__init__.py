"""Bedrock's Converse, as a provider speaks it; no caller does."""
