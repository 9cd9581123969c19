from __future__ import annotations

from engines.remote.wire_formats import EventDecoder, engine_statistics, read_metrics


def test_events_do_not_depend_on_how_they_are_cut() -> None:
    stream = 'data: {"a": "é\u2028"}\r\n\r\n: ping\n\ndata:2\n\nevent: x\ndata: [DONE]\n\n'.encode()
    for size in range(1, len(stream) + 1):
        decoder = EventDecoder()
        pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
        found = [data.decode() for piece in pieces for data in decoder.feed(piece)]
        assert found == ['{"a": "é\u2028"}', "2", "[DONE]"]


def test_statistics_of_a_data_parallel_server() -> None:
    page = """
        vllm:num_requests_running{engine="0"} 2.0
        vllm:num_requests_running{engine="1"} 3.0
        vllm:kv_cache_usage_perc{engine="0"} 0.2
        vllm:kv_cache_usage_perc{engine="1"} 0.4
        vllm:generation_tokens_total{engine="0"} 1e+03
    """
    found = engine_statistics(read_metrics(page.replace(" " * 8, "")))
    assert (found.running, found.waiting, found.generated_tokens) == (5, 0, 1000)
    assert round(found.kv_usage, 3) == 0.3


def test_a_last_event_whose_line_does_not_end() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: 1\n\ndata: 2") == [b"1"]
    assert decoder.end() == [b"2"]
    assert decoder.end() == []


def test_a_metric_without_a_number() -> None:
    assert list(read_metrics("a 1.2.3\nb .5\nc 2.")) == ["b", "c"]
