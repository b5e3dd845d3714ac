"""Stage 7: whatever a dialect reported becomes disjoint usage buckets."""
