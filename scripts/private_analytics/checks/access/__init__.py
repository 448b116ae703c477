"""`check access`: whether a stack is as closed as its template made it, asked of AWS itself."""
