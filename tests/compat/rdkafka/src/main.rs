//! rdkafka for Rust. Started with the broker's address.

mod loop_of_asks;
mod transactions;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{spawn, JoinHandle};
use std::time::Duration;

use loop_of_asks::{say, serve, Answer, Refused};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{json, Map, Value};
use transactions::Transactions;

const LIMIT: Duration = Duration::from_secs(30);
const LARGE: &str = "16777216";

impl From<KafkaError> for Refused {
    fn from(error: KafkaError) -> Self {
        let code = error.rdkafka_error_code().or(match &error {
            KafkaError::AdminOp(code) => Some(*code),
            _ => None,
        });
        Refused { code: code.and_then(code_of), why: error.to_string() }
    }
}

impl From<RDKafkaErrorCode> for Refused {
    fn from(code: RDKafkaErrorCode) -> Self {
        Refused { code: code_of(code), why: code.to_string() }
    }
}

/// Kafka's codes are not negative. librdkafka finds out some things on its own, and has codes of its own for them.
fn code_of(code: RDKafkaErrorCode) -> Option<i32> {
    match code {
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition => Some(3),
        other if other as i32 >= 0 => Some(other as i32),
        _ => None,
    }
}

/// Tells of a member's partitions, of which some or all come and go at a time.
struct Membership {
    member: String,
    partitions: Mutex<BTreeSet<i32>>,
}

impl ClientContext for Membership {}

impl ConsumerContext for Membership {
    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut partitions = self.partitions.lock().expect("nobody panicked");
        match rebalance {
            Rebalance::Assign(given) => partitions.extend(given.elements().iter().map(|one| one.partition())),
            Rebalance::Revoke(taken) => partitions.retain(|one| taken.elements().iter().all(|gone| gone.partition() != *one)),
            Rebalance::Error(_) => partitions.clear(),
        }
        say("assigned", json!({"member": self.member, "partitions": *partitions}));
    }
}

struct Client {
    bootstrap: String,
    runtime: tokio::runtime::Runtime,
    admin: AdminClient<DefaultClientContext>,
    producers: HashMap<(String, bool), FutureProducer>,
    members: HashMap<String, (Arc<AtomicBool>, JoinHandle<()>)>,
    transactions: Transactions,
}

impl Client {
    fn new(bootstrap: String) -> Self {
        let admin = settings(&bootstrap).create().expect("an admin client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let transactions = Transactions::new(bootstrap.clone());
        Client { bootstrap, runtime, admin, producers: HashMap::new(), members: HashMap::new(), transactions }
    }

    fn answer(&mut self, ask: &str, given: &Value) -> Answer {
        match ask {
            "topics" => self.topics(),
            "create_topic" => self.create_topic(given),
            "delete_topic" => self.delete_topic(given),
            "add_partitions" => self.add_partitions(given),
            "produce" => self.produce(given),
            "read" => self.read(given),
            "offsets" => self.offsets(given),
            "join" => self.join(given),
            "leave" => self.leave(given),
            "describe_configs" => self.describe_configs(given),
            "alter_configs" => self.alter_configs(given),
            "delete_records" => self.delete_records(given),
            "groups" => self.groups(),
            "describe_group" => self.describe_group(given),
            "delete_group" => self.delete_group(given),
            "committed" => self.committed(given),
            "begin" => self.transactions.begin(text(&given["transactional_id"])),
            "send" => self.transactions.send(
                &self.runtime,
                text(&given["topic"]),
                given["values"].as_array().expect("values"),
            ),
            "send_offset" => self.transactions.send_offset(
                text(&given["topic"]),
                number(&given["offset"]),
                text(&given["group"]),
            ),
            "end" => self.transactions.end(given["commit"].as_bool().expect("yes or no")),
            _ => panic!("no ask {ask}"),
        }
    }

    fn topics(&self) -> Answer {
        let metadata = self.admin.inner().fetch_metadata(None, LIMIT)?;
        Ok(json!({"topics": metadata.topics().iter().map(|topic| topic.name()).collect::<Vec<_>>()}))
    }

    fn create_topic(&self, given: &Value) -> Answer {
        let configs = pairs(&given["configs"]);
        let mut topic = NewTopic::new(text(&given["topic"]), number(&given["partitions"]) as i32, TopicReplication::Fixed(1));
        for (name, value) in &configs {
            topic = topic.set(name, value);
        }
        one(self.runtime.block_on(self.admin.create_topics([&topic], &AdminOptions::new()))?)
    }

    fn delete_topic(&self, given: &Value) -> Answer {
        one(self.runtime.block_on(self.admin.delete_topics(&[text(&given["topic"])], &AdminOptions::new()))?)
    }

    fn add_partitions(&self, given: &Value) -> Answer {
        let more = NewPartitions::new(text(&given["topic"]), number(&given["total"]) as usize);
        one(self.runtime.block_on(self.admin.create_partitions([&more], &AdminOptions::new()))?)
    }

    fn produce(&mut self, given: &Value) -> Answer {
        let compression = given["compression"].as_str().unwrap_or("none").to_owned();
        let idempotent = given["idempotent"].as_bool().unwrap_or(false);
        let bootstrap = &self.bootstrap;
        let producer = self.producers.entry((compression.clone(), idempotent)).or_insert_with(|| {
            settings(bootstrap)
                .set("compression.type", compression)
                .set("enable.idempotence", idempotent.to_string())
                .set("message.max.bytes", LARGE)
                .set("linger.ms", "20")
                .create()
                .expect("a producer")
        });
        let topic = text(&given["topic"]);
        let mut sent = vec![];
        for record in given["records"].as_array().expect("records") {
            let mut headers = OwnedHeaders::new();
            for header in record["headers"].as_array().expect("headers") {
                headers = headers.insert(Header { key: text(&header[0]), value: Some(text(&header[1])) });
            }
            let message: FutureRecord<'_, str, str> = FutureRecord {
                topic,
                partition: Some(number(&record["partition"]) as i32),
                key: record["key"].as_str(),
                payload: record["value"].as_str(),
                timestamp: record["timestamp"].as_i64(),
                headers: Some(headers),
            };
            sent.push(producer.send_result(message).map_err(|(error, _)| error)?);
        }
        let mut acks = vec![];
        for delivery in sent {
            let got = self.runtime.block_on(delivery).expect("a report").map_err(|(error, _)| error)?;
            acks.push(json!({"partition": got.partition, "offset": got.offset}));
        }
        Ok(json!({"acks": acks}))
    }

    fn read(&self, given: &Value) -> Answer {
        let (topic, partition) = (text(&given["topic"]), number(&given["partition"]) as i32);
        let consumer: BaseConsumer = settings(&self.bootstrap)
            .set("group.id", "nobody") // librdkafka wants one even where no group is used
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "100")
            .set("max.partition.fetch.bytes", LARGE)
            .set("isolation.level", text(&given["isolation_level"]))
            .set("topic.metadata.propagation.max.ms", "500") // how long a topic may be unknown; 30 s by default
            .create()?;
        let mut start = Offset::Beginning;
        if let Some(offset) = given["start"]["offset"].as_i64() {
            start = Offset::Offset(offset);
        } else if let Some(timestamp) = given["start"]["timestamp"].as_i64() {
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition_offset(topic, partition, Offset::Offset(timestamp))?;
            start = consumer.offsets_for_times(wanted, LIMIT)?.elements()[0].offset();
        }
        let mut wanted = TopicPartitionList::new();
        wanted.add_partition_offset(topic, partition, start)?;
        consumer.assign(&wanted)?;
        let mut records = vec![];
        while records.len() < number(&given["count"]) as usize {
            if let Some(message) = consumer.poll(LIMIT) {
                records.push(shown(&message?));
            }
        }
        Ok(json!({"records": records}))
    }

    fn offsets(&self, given: &Value) -> Answer {
        let topic = text(&given["topic"]);
        let metadata = self.admin.inner().fetch_metadata(Some(topic), LIMIT)?;
        let mut offsets = Map::new();
        for partition in metadata.topics()[0].partitions() {
            let (start, end) = self.admin.inner().fetch_watermarks(topic, partition.id(), LIMIT)?;
            offsets.insert(partition.id().to_string(), json!([start, end]));
        }
        Ok(json!({"offsets": offsets}))
    }

    fn join(&mut self, given: &Value) -> Answer {
        let member = text(&given["member"]).to_owned();
        let mut settings = settings(&self.bootstrap);
        settings
            .set("group.id", text(&given["group"]))
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "100")
            .set("group.protocol", text(&given["protocol"]));
        if text(&given["protocol"]) == "classic" {
            settings.set("session.timeout.ms", "10000").set("heartbeat.interval.ms", "300");
        }
        let consumer: BaseConsumer<Membership> =
            settings.create_with_context(Membership { member: member.clone(), partitions: Mutex::default() })?;
        consumer.subscribe(&[text(&given["topic"])])?;
        let leaving = Arc::new(AtomicBool::new(false));
        let told = leaving.clone();
        let name = member.clone();
        let reading = spawn(move || {
            while !told.load(Ordering::Relaxed) {
                consume(&name, &consumer);
            }
        });
        self.members.insert(member, (leaving, reading));
        Ok(json!({}))
    }

    fn leave(&mut self, given: &Value) -> Answer {
        let (leaving, reading) = self.members.remove(text(&given["member"])).expect("a member");
        leaving.store(true, Ordering::Relaxed);
        // The consumer leaves the group when its thread drops it.
        reading.join().expect("a thread that ended");
        Ok(json!({}))
    }

    fn describe_configs(&self, given: &Value) -> Answer {
        let topic = ResourceSpecifier::Topic(text(&given["topic"]));
        let described = self.runtime.block_on(self.admin.describe_configs([&topic], &AdminOptions::new()))?;
        let mut configs = Map::new();
        for resource in described {
            for entry in resource?.entries {
                configs.insert(entry.name, json!(entry.value));
            }
        }
        Ok(json!({"configs": configs}))
    }

    fn alter_configs(&self, given: &Value) -> Answer {
        let configs = pairs(&given["configs"]);
        let mut change = AlterConfig::new(ResourceSpecifier::Topic(text(&given["topic"])));
        for (name, value) in &configs {
            change = change.set(name, value);
        }
        let altered = self.runtime.block_on(self.admin.alter_configs([&change], &AdminOptions::new()))?;
        for resource in altered {
            resource.map_err(|(_, code)| code)?;
        }
        Ok(json!({}))
    }

    fn delete_records(&self, given: &Value) -> Answer {
        let mut before = TopicPartitionList::new();
        let partition = number(&given["partition"]) as i32;
        before.add_partition_offset(text(&given["topic"]), partition, Offset::Offset(number(&given["before"])))?;
        let deleted = self.runtime.block_on(self.admin.delete_records(&before, &AdminOptions::new()))?;
        deleted.elements()[0].error()?;
        Ok(json!({}))
    }

    fn groups(&self) -> Answer {
        let found = self.admin.inner().fetch_group_list(None, LIMIT)?;
        Ok(json!({"groups": found.groups().iter().map(|group| group.name()).collect::<Vec<_>>()}))
    }

    fn describe_group(&self, given: &Value) -> Answer {
        let found = self.admin.inner().fetch_group_list(Some(text(&given["group"])), LIMIT)?;
        let group = &found.groups()[0];
        let members: Vec<Value> = group
            .members()
            .iter()
            .map(|one| json!({"client_id": one.client_id(), "partitions": assigned(one.assignment().unwrap_or_default())}))
            .collect();
        Ok(json!({"state": group.state(), "members": members}))
    }

    fn delete_group(&self, given: &Value) -> Answer {
        one(self.runtime.block_on(self.admin.delete_groups(&[text(&given["group"])], &AdminOptions::new()))?)
    }

    fn committed(&self, given: &Value) -> Answer {
        let topic = text(&given["topic"]);
        let consumer: BaseConsumer = settings(&self.bootstrap).set("group.id", text(&given["group"])).create()?;
        let metadata = consumer.fetch_metadata(Some(topic), LIMIT)?;
        let mut wanted = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            wanted.add_partition(topic, partition.id());
        }
        let mut offsets = Map::new();
        for found in consumer.committed_offsets(wanted, LIMIT)?.elements() {
            if let Offset::Offset(offset) = found.offset() {
                offsets.insert(found.partition().to_string(), json!(offset));
            }
        }
        Ok(json!({"offsets": offsets}))
    }
}

/// Read one record, if there is one, commit it, and tell of it.
fn consume(member: &str, consumer: &BaseConsumer<Membership>) {
    match consumer.poll(Duration::from_millis(100)) {
        Some(Ok(message)) => {
            if let Err(error) = consumer.commit_message(&message, CommitMode::Sync) {
                say("failed", json!({"member": member, "why": error.to_string()}));
            }
            let mut record = shown(&message);
            record["member"] = json!(member);
            say("record", record);
        }
        // While the broker is away; librdkafka goes on by itself.
        Some(Err(error)) => eprintln!("{member}: {error}"),
        None => {}
    }
}

fn settings(bootstrap: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", bootstrap).set("client.id", "rdkafka");
    settings
}

/// What an admin request says of its only item.
fn one(results: Vec<Result<String, (String, RDKafkaErrorCode)>>) -> Answer {
    for result in results {
        result.map_err(|(_, code)| code)?;
    }
    Ok(json!({}))
}

fn shown(message: &BorrowedMessage<'_>) -> Value {
    let headers: Vec<Value> = message
        .headers()
        .map(|headers| headers.iter().map(|one| json!([one.key, one.value.map(String::from_utf8_lossy)])).collect())
        .unwrap_or_default();
    json!({
        "partition": message.partition(),
        "offset": message.offset(),
        "key": message.key().map(String::from_utf8_lossy),
        "value": message.payload().map(String::from_utf8_lossy),
        "headers": headers,
        "timestamp": message.timestamp().to_millis(),
    })
}

/// The partitions in a member's assignment, which the broker hands on as the group's leader wrote it: a version, then an
/// array of topics, each a name and an array of partitions.
fn assigned(bytes: &[u8]) -> Vec<i32> {
    let number_at = |at: usize| i32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut partitions = vec![];
    if bytes.is_empty() {
        return partitions;
    }
    let mut at = 6;
    for _ in 0..number_at(2) {
        at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let count = number_at(at);
        partitions.extend((1..=count).map(|index| number_at(at + 4 * index as usize)));
        at += 4 + 4 * count as usize;
    }
    partitions
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn number(value: &Value) -> i64 {
    value.as_i64().expect("a number")
}

fn pairs(object: &Value) -> Vec<(String, String)> {
    object.as_object().expect("an object").iter().map(|(name, value)| (name.clone(), text(value).to_owned())).collect()
}

fn main() {
    let mut client = Client::new(std::env::args().nth(1).expect("the broker's address"));
    serve(|ask, given| client.answer(ask, given));
}
