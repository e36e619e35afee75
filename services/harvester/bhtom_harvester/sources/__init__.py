"""One module an archive; `registry.py` lists them."""
