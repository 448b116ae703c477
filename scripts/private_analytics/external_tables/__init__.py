"""The external tables over the export bucket."""
