"""Which puzzles no lesson asks: a tenth of all, and those that are published for tests. Pure.

numbers in order, target ─> 16 bits of their checksum ─> held out or not

The published ones, Tree of Thoughts' 100 and 256 of Countdown, are known here by these bits only. What is left of a
puzzle after a move may well be what is left of one that is held out.
"""

from __future__ import annotations

import struct
import zlib

from .puzzle import Puzzle

_BITS = 0xFFFF
_SHARE = 10

_PUBLISHED = bytes.fromhex(
    "012e01390286041506ca0793079807e1083a09f509ff0a660b1c0b200b550c4f0c500c790d330d950e8d0fa7"
    "108f10f210f511231125112e11791207123512d213b113d31405174f178218b8190219ed1b2f1bf41c241d50"
    "1e4f1e721f7e1f8520242041223a22572267247124d225fa26132651269a276d27802815290a2b5b2b832d34"
    "2d432e772eed2f03309d3159322e32a732d533103400345b3589359e36303758379238a338eb3b963c073cad"
    "3d963ea0402141d9428f439a44324527469246ca486f490a4bb14bfe4c624f074fc75006530355a555b0562d"
    "5af15b495b705bcb5d3f5d4a5d7e5d965df15f905fc9602a604f606961db63e6647c65c7676b681c687b68fa"
    "690369bb6ade6b796bac6d1e6e906efb6fe371c27265733173cb74c575437567764c769e78167934795a7992"
    "79f07ba07c267d067d367d627eb17f5f8139823d826b82d983a3854d8745874f88d489cc8a938bbc8cd18de8"
    "8f688fd791d991ea93a494119578958196cd9801988399599a6b9bdf9be79d2a9d919e9a9f57a018a03da06d"
    "a16da299a2eda47da4cfa68da737a750a7a9a804a9f2aae4ac0aac4bacb8accaad1aad55ad8aadb9ade3ae5d"
    "aeacaf62b15bb3e9b480b4d7b5acb65fb6c5b763b835b976ba03baa3bc10bc9bbd95bdc3bfa7c036c087c1f6"
    "c267c273c27fc2b5c34fc439c516c58ec5a4c5edc5f6c6f5c8adc97fcabacb0fcb35cbc4cca7ccc9cd3fce07"
    "cfa3d1c8d343d55ed613d659d72ed801d864d893d8a1d922d981da5adaf7db13db9edc1cdc63dda3de0fe001"
    "e099e10ce25ce53ee622e714e746e802e956e98feacdeae3eb98ececedabee00eeb3ef1cef32ef4def4eefaa"
    "effaf0f5f142f24cf29df426f466f529f6c9f737fa8ffae5fb67fb8bfc19fc33fd21fd82"
)
_CHECKSUMS = frozenset(value for (value,) in struct.iter_unpack(">H", _PUBLISHED))


def is_held_out(puzzle: Puzzle) -> bool:
    """Whether a puzzle, in whatever order its numbers are, is for tests only."""
    numbers = " ".join(map(str, sorted(puzzle.numbers)))
    checksum = zlib.crc32(f"{numbers} > {puzzle.target}".encode()) & _BITS
    return checksum % _SHARE == 0 or checksum in _CHECKSUMS
