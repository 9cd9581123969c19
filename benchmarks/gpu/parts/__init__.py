"""A module for each row of the headline table, named after it, with a function `measure`."""
