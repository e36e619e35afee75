"""BHTOM harvester: photometry from archives and alert streams."""
