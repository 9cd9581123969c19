"""The notation that models write plans in: read, written, and enforced by a grammar."""
