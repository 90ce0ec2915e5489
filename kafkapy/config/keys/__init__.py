"""The table of properties of Apache Kafka 4.3, one file per subject."""
