import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What clients of other languages are asked, of which a part: from 1.1 on. */
public class Asks {
    private static final int LARGE = 16 * 1024 * 1024;

    private final String bootstrap;
    private final AdminClient admin;
    private final Map<List<Object>, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    private final Map<String, Member> members = new HashMap<>();

    public Asks(String bootstrap) {
        this.bootstrap = bootstrap;
        admin = AdminClient.create(Client.settings(bootstrap));
    }

    public Object topics(Ask ask) throws Exception {
        return Map.of("topics", admin.listTopics().names().get());
    }

    public void create_topic(Ask ask) throws Exception {
        NewTopic topic = new NewTopic(ask.text("topic"), ask.integer("partitions"), (short) 1);
        admin.createTopics(Collections.singleton(topic.configs(ask.texts("configs")))).all().get();
    }

    public void delete_topic(Ask ask) throws Exception {
        admin.deleteTopics(Collections.singleton(ask.text("topic"))).all().get();
    }

    public void add_partitions(Ask ask) throws Exception {
        NewPartitions total = NewPartitions.increaseTo(ask.integer("total"));
        admin.createPartitions(Collections.singletonMap(ask.text("topic"), total)).all().get();
    }

    public Object offsets(Ask ask) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
            List<TopicPartition> partitions = partitions(consumer, ask.text("topic"));
            Map<TopicPartition, Long> first = consumer.beginningOffsets(partitions);
            Map<TopicPartition, Long> end = consumer.endOffsets(partitions);
            Map<Integer, List<Long>> offsets = new HashMap<>();
            partitions.forEach(one -> offsets.put(one.partition(), List.of(first.get(one), end.get(one))));
            return Map.of("offsets", offsets);
        }
    }

    public Object describe_configs(Ask ask) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, ask.text("topic"));
        Map<String, String> configs = new HashMap<>();
        admin.describeConfigs(Collections.singleton(topic)).all().get().get(topic).entries()
            .forEach(entry -> configs.put(entry.name(), entry.value()));
        return Map.of("configs", configs);
    }

    public void alter_configs(Ask ask) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, ask.text("topic"));
        List<ConfigEntry> entries = new ArrayList<>();
        ask.texts("configs").forEach((name, value) -> entries.add(new ConfigEntry(name, value)));
        admin.alterConfigs(Collections.singletonMap(topic, new Config(entries))).all().get();
    }

    public void delete_records(Ask ask) throws Exception {
        TopicPartition partition = new TopicPartition(ask.text("topic"), ask.integer("partition"));
        RecordsToDelete records = RecordsToDelete.beforeOffset(ask.number("before"));
        admin.deleteRecords(Collections.singletonMap(partition, records)).all().get();
    }

    public Object produce(Ask ask) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producer(
            ask.has("compression") ? ask.text("compression") : "none", ask.flag("idempotent"));
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (Ask record : ask.asks("records")) {
            ProducerRecord<byte[], byte[]> one = new ProducerRecord<>(
                ask.text("topic"), record.integer("partition"), record.number("timestamp"),
                record.bytes("key"), record.bytes("value"));
            for (Object header : record.list("headers")) {
                one.headers().add((String) ((List<?>) header).get(0), ((String) ((List<?>) header).get(1)).getBytes());
            }
            sent.add(producer.send(one));
        }
        producer.flush();
        return Loop.acks(sent);
    }

    private KafkaProducer<byte[], byte[]> producer(String compression, boolean idempotent) {
        return producers.computeIfAbsent(List.of(compression, idempotent), made -> new KafkaProducer<>(
            Client.settings(
                bootstrap, "acks", "all", "retries", 100, "compression.type", compression, "linger.ms", 20,
                "enable.idempotence", idempotent, "max.request.size", LARGE),
            new ByteArraySerializer(), new ByteArraySerializer()));
    }

    public Object read(Ask ask) {
        TopicPartition partition = new TopicPartition(ask.text("topic"), ask.integer("partition"));
        List<TopicPartition> alone = Collections.singletonList(partition);
        Ask start = ask.object("start");
        List<Map<String, Object>> records = new ArrayList<>();
        String isolation = ask.has("isolation_level") ? ask.text("isolation_level") : "read_uncommitted";
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("isolation.level", isolation)) {
            consumer.assign(alone);
            if (start.has("offset")) {
                consumer.seek(partition, start.number("offset"));
            } else if (start.has("timestamp")) {
                Map<TopicPartition, Long> times = Collections.singletonMap(partition, start.number("timestamp"));
                consumer.seek(partition, consumer.offsetsForTimes(times).get(partition).offset());
            } else {
                consumer.seekToBeginning(alone);
            }
            while (records.size() < ask.integer("count")) {
                Poll.once(consumer).forEach(record -> records.add(shown(record)));
            }
        }
        return Map.of("records", records.subList(0, ask.integer("count")));
    }

    /** Its `settings` are Kafka's own, over those that every member has. */
    public void join(Ask ask) {
        Properties settings = Client.settings(
            bootstrap, "group.id", ask.text("group"), "auto.offset.reset", "earliest", "enable.auto.commit", false,
            "session.timeout.ms", 6000, "heartbeat.interval.ms", 500, "fetch.max.wait.ms", 100);
        if ("consumer".equals(ask.text("protocol"))) {
            settings.put("group.protocol", "consumer");
        }
        settings.putAll(ask.texts("settings"));
        Map<String, ?> about = Map.of("member", ask.text("member"));
        Member member = new Member(about, settings, Asks::shown, Member.Commits.SILENTLY, null);
        members.put(ask.text("member"), member);
        member.subscribe(ask.text("topic"));
    }

    public void leave(Ask ask) throws InterruptedException {
        members.remove(ask.text("member")).close();
    }

    /** As a consumer of the group sees it: the admin client knows groups from 2.0 on. */
    public Object committed(Ask ask) {
        Map<Integer, Long> offsets = new HashMap<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("group.id", ask.text("group"))) {
            for (TopicPartition partition : partitions(consumer, ask.text("topic"))) {
                OffsetAndMetadata committed = consumer.committed(partition);
                offsets.put(partition.partition(), committed == null ? -1 : committed.offset());
            }
        }
        return Map.of("offsets", offsets);
    }

    private KafkaConsumer<byte[], byte[]> consumer(Object... more) {
        Properties settings = Client.settings(bootstrap, more);
        settings.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        List<TopicPartition> partitions = new ArrayList<>();
        consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
        return partitions;
    }

    private static Map<String, Object> shown(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> shown = Loop.fields(record);
        List<List<String>> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            headers.add(List.of(header.key(), Loop.text(header.value())));
        }
        shown.put("headers", headers);
        return shown;
    }
}
