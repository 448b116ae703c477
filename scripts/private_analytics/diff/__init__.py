"""`diff`: how a change of the models changes the tables, as a summary for a pull request."""
