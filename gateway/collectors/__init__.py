"""How bytes are fetched when nobody pushes. Nothing here understands what is in them."""
