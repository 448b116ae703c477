"""Publishing: the marts copied into a PostgreSQL database, for tools that cannot ask Athena."""
