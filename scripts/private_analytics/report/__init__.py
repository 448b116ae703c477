"""The report: one HTML file about traffic, users, reliability, sessions, products and exports; no server, no network."""
