"""`check access`: asks AWS whether a stack is still as closed as its template made it."""
