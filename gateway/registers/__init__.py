"""Who is who and who may: read from the store, kept at hand, asked by everybody."""
