"""The kernels of `FusedAttention`, in Triton. What a pointer points at is named after what the decoder calls it.

A vector of a head is read in halves, which is how it turns: the left one by cosine and the negative sine of the right.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def place(
    keys, values, key, value, cosines, sines, blocks, places,
    key_row, key_head, value_row, value_head, to_block, to_head,
    half: tl.constexpr,
):  # fmt: skip
    """Writes the turned key and the value of a row, for one head, to where they belong."""
    row, head = tl.program_id(0), tl.program_id(1)
    block, at = tl.load(blocks + row), tl.load(places + row)
    first = tl.arange(0, half)
    second = first + half
    turn = row * 2 * half
    source = key + row * key_row + head * key_head
    target = block * to_block + head * to_head + at * 2 * half
    left, right = tl.load(source + first).to(tl.float32), tl.load(source + second).to(tl.float32)
    turned = left * tl.load(cosines + turn + first) + right * tl.load(sines + turn + first)
    tl.store(keys + target + first, turned.to(keys.dtype.element_ty))
    turned = right * tl.load(cosines + turn + second) + left * tl.load(sines + turn + second)
    tl.store(keys + target + second, turned.to(keys.dtype.element_ty))
    source = value + row * value_row + head * value_head
    tl.store(values + target + first, tl.load(source + first))
    tl.store(values + target + second, tl.load(source + second))


# Compiled once whatever these are: else it would be again whenever one of them is a multiple of 16.
@triton.jit(do_not_specialize=["rows", "parts", "tiles", "history_tiles", "block_tiles"])
def attend(
    query, cosines, sines, limits, history_keys, history_values, block_keys, block_values,
    sums, mixed,
    rows, group, parts, tiles, history_tiles, block_tiles,
    query_row, query_head, history_head, block, block_head,
    half: tl.constexpr, at_once: tl.constexpr, tile_size: tl.constexpr,
):  # fmt: skip
    """One head, one tile of keys, some queries: peak and sum of the weights, and what they mix of the values."""
    head, tile, chunk = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    heads, chunks = tl.num_programs(0), tl.num_programs(2)
    # Which part the tile lies in, and where.
    if tile < history_tiles:
        part, start = 0, tile * tile_size
        keys, values = history_keys + head * history_head, history_values + head * history_head
    else:
        number = (tile - history_tiles) // block_tiles
        part, start = 1 + number, (tile - history_tiles) % block_tiles * tile_size
        offset = number.to(tl.int64) * block + head * block_head
        keys, values = block_keys + offset, block_values + offset
    # Queries are numbered row by row, the heads of a group one after another.
    queries = chunk * at_once + tl.arange(0, at_once)
    row = queries // group
    limit = tl.load(limits + row * parts + part, mask=row < rows, other=0)
    slots = (head * tiles + tile) * chunks * at_once + queries
    count = heads * tiles * chunks * at_once
    most = tl.max(limit, 0)
    if start >= most:
        tl.store(sums + slots, tl.full((at_once,), float("-inf"), tl.float32))
        return
    first, known = tl.arange(0, half)[None, :], (row < rows)[:, None]
    source = query + (row * query_row + (head * group + queries % group) * query_head)[:, None]
    turn = ((part * rows + row) * 2 * half)[:, None]
    left = tl.load(source + first, mask=known, other=0.0).to(tl.float32)
    right = tl.load(source + half + first, mask=known, other=0.0).to(tl.float32)
    cos, sin = cosines + turn + first, sines + turn + first
    turned_left = left * tl.load(cos, mask=known, other=0.0)
    turned_left += right * tl.load(sin, mask=known, other=0.0)
    turned_right = right * tl.load(cos + half, mask=known, other=0.0)
    turned_right += left * tl.load(sin + half, mask=known, other=0.0)
    places = start + tl.arange(0, tile_size)
    there = (places < most)[:, None]
    cells = places[:, None] * 2 * half + first
    kind = block_keys.dtype.element_ty
    one = tl.load(keys + cells, mask=there, other=0.0)
    scores = tl.dot(turned_left.to(kind), tl.trans(one), input_precision="ieee")
    one = tl.load(keys + cells + half, mask=there, other=0.0)
    scores += tl.dot(turned_right.to(kind), tl.trans(one), input_precision="ieee")
    scores = tl.where(places[None, :] < limit[:, None], scores, float("-inf"))
    highest = tl.max(scores, 1)
    weights = tl.exp(scores - tl.where(highest == float("-inf"), 0.0, highest)[:, None])
    tl.store(sums + slots, highest)
    tl.store(sums + count + slots, tl.sum(weights, 1))
    weights = weights.to(kind)
    out = mixed + slots[:, None] * 2 * half + first
    one = tl.load(values + cells, mask=there, other=0.0)
    tl.store(out, tl.dot(weights, one, input_precision="ieee"))
    one = tl.load(values + cells + half, mask=there, other=0.0)
    tl.store(out + half, tl.dot(weights, one, input_precision="ieee"))


@triton.jit(do_not_specialize=["tiles", "queries", "count"])
def merge(
    sums, mixed, out, group, tiles, queries, count, out_row,
    dimension: tl.constexpr, at_once: tl.constexpr,
):  # fmt: skip
    """One head, one query: its tiles become one."""
    head, query = tl.program_id(0), tl.program_id(1)
    cells = tl.arange(0, dimension)
    highest = float("-inf")
    total = 0.0
    result = tl.zeros((dimension,), tl.float32)
    for start in range(0, tiles, at_once):
        some = start + tl.arange(0, at_once)
        slots = (head * tiles + some) * queries + query
        peaks = tl.load(sums + slots, mask=some < tiles, other=float("-inf"))
        higher = tl.maximum(highest, tl.max(peaks, 0))
        # Of tiles that nobody sees only the peak was written.
        seen = peaks > float("-inf")
        base = tl.where(higher == float("-inf"), 0.0, higher)
        scales = tl.where(seen, tl.exp(peaks - base), 0.0)
        before = tl.where(highest == float("-inf"), 0.0, tl.exp(highest - base))
        parts = tl.load(
            mixed + slots[:, None] * dimension + cells[None, :], mask=seen[:, None], other=0.0
        )
        result = result * before + tl.sum(parts * scales[:, None], 0)
        total = total * before + tl.sum(
            tl.load(sums + count + slots, mask=seen, other=0.0) * scales, 0
        )
        highest = higher
    target = out + query // group * out_row + (head * group + query % group) * dimension + cells
    tl.store(target, (result / total).to(out.dtype.element_ty))
