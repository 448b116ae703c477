"""The demo: from a folder of logs to tables, report and docs site on DuckDB."""
