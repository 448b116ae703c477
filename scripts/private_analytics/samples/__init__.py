"""Sample logs of an invented storefront."""
