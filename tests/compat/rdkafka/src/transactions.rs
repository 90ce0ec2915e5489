//! Transactions: the producer that was begun with last, and what is sent with its transaction.

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{json, Value};
use tokio::runtime::Runtime;

use crate::loop_of_asks::Answer;
use crate::{settings, text, LIMIT};

pub struct Transactions {
    bootstrap: String,
    producer: Option<(String, FutureProducer)>,
}

impl Transactions {
    pub fn new(bootstrap: String) -> Self {
        Transactions { bootstrap, producer: None }
    }

    pub fn begin(&mut self, id: &str) -> Answer {
        if self.producer.as_ref().is_none_or(|(known, _)| known != id) {
            let producer: FutureProducer = settings(&self.bootstrap)
                .set("transactional.id", id)
                .set("linger.ms", "0")
                .set("reconnect.backoff.max.ms", "500") // 10 s by default, when a broker has died
                .create()?;
            producer.init_transactions(LIMIT)?;
            self.producer = Some((id.to_owned(), producer));
        }
        self.producer().begin_transaction()?;
        Ok(json!({}))
    }

    pub fn send(&self, runtime: &Runtime, topic: &str, values: &[Value]) -> Answer {
        let mut sent = vec![];
        for value in values {
            let record: FutureRecord<'_, str, str> = FutureRecord::to(topic).partition(0).payload(text(value));
            sent.push(self.producer().send_result(record).map_err(|(error, _)| error)?);
        }
        self.producer().flush(LIMIT)?;
        for delivery in sent {
            runtime.block_on(delivery).expect("a report").map_err(|(error, _)| error)?;
        }
        Ok(json!({}))
    }

    pub fn send_offset(&self, topic: &str, offset: i64, group: &str) -> Answer {
        let consumer: BaseConsumer = settings(&self.bootstrap).set("group.id", group).create()?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, 0, Offset::Offset(offset))?;
        let metadata = consumer.group_metadata().expect("a consumer of a group");
        self.producer().send_offsets_to_transaction(&offsets, &metadata, LIMIT)?;
        Ok(json!({}))
    }

    pub fn end(&self, commit: bool) -> Answer {
        let producer = self.producer();
        if commit {
            producer.commit_transaction(LIMIT)?;
        } else {
            producer.abort_transaction(LIMIT)?;
        }
        Ok(json!({}))
    }

    fn producer(&self) -> &FutureProducer {
        &self.producer.as_ref().expect("a transaction that was begun").1
    }
}
