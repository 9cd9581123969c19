"""Reducers: many answers become one."""
