"""`diff`: what a change of the models does to the tables, as a summary for a pull request."""
