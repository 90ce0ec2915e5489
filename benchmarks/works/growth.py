"""A topic that grows: finding a place in it should cost the same, however much there is."""

from __future__ import annotations

import random

from benchmarks.batches import KIB, check_produced, make_batch, produce
from benchmarks.driver import Stream, drive
from benchmarks.figure import cost, flat, rate
from benchmarks.pipeline import percentiles
from benchmarks.trial import Trial
from benchmarks.work import When, work
from benchmarks.works.fetch import at_least, fetch

BATCH_BYTES = 64 * KIB
VALUE_BYTES = 10
STEPS = (1_000_000, 10_000_000, 100_000_000)
SAMPLES = 500


@work(
    "growth",
    "fetch of one 64 KiB batch at random offsets of a topic of 1, 10 and 100 million records of 10 B",
    cost("p50 ms at 1 M"),
    cost("p50 ms at 10 M"),
    cost("p50 ms at 100 M"),
    flat("p50 at 100 M ÷ at 1 M", 1.25),
    rate("records/s written"),
    when=When.FIRST,
)
def growth(trial: Trial) -> tuple[float, ...]:
    topic = trial.topic()
    batch, records = make_batch(BATCH_BYTES, VALUE_BYTES)
    request, check = produce(topic, 0, batch), check_produced(topic)
    writer, reader = trial.connect(), trial.connect()
    places = random.Random(1)
    medians: list[float] = []
    batches, written_s = 0, 0.0
    for step in STEPS:
        wanted = trial.amount(step) // records
        with trial.watch() as span:
            drive([Stream(writer, [request] * (wanted - batches), check)], 5)
        batches = wanted
        written_s += span.seconds
        fetches = [fetch(topic, 0, places.randrange(batches * records), BATCH_BYTES) for _ in range(2 * SAMPLES)]
        # The first half warms up.
        taken = [reader.round_trip(one, at_least(KIB)) for one in fetches][SAMPLES:]
        medians.append(percentiles(taken)[0])
    return *medians, medians[-1] / medians[0], batches * records / written_s
