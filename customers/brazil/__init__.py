"""Brazilian document numbers and codes: one small module each, scalar and, where it pays, vectorised."""
