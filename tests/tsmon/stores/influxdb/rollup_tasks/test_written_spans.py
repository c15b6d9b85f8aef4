from tsmon.stores.influxdb.rollup_tasks import WrittenSpans


def test_spans_of_batches() -> None:
    spans = WrittenSpans()
    spans.record(b'a\\ b,t=1 v=1 5\nm v=1 30\nm s="x y" 7\nm v=1\n# c\n\nm v=1 9', before_ns=20)
    spans.record(b"m v=1 3", before_ns=20)
    assert sorted(spans.take()) == [("a b", 5, 6), ("m", 3, 10)]
    assert spans.take() == []
