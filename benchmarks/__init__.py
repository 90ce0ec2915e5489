"""kafkapy beside Apache Kafka, on the same machine and the same work: `scripts/bench`."""
