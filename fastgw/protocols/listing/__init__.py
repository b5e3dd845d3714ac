"""Lists of models on the wire: one module for each dialect that asks for them, all at the same path."""
