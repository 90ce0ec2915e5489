import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** What the command loop's clients do, but transactions: from 0.10.2 on. */
public class Loop {
    private final String bootstrap;
    private Member member;

    public Loop(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    public Object produce(Ask ask) throws Exception {
        String compression = ask.has("compression") ? ask.text("compression") : "none";
        // It tries again when the broker was away, which the oldest do not by themselves.
        Properties settings = Client.settings(
            bootstrap, "acks", "all", "retries", 100, "compression.type", compression,
            "linger.ms", ask.has("compression") ? 100 : 0);
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer =
                 new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            for (Ask record : ask.asks("records")) {
                sent.add(producer.send(new ProducerRecord<>(
                    ask.text("topic"), record.integer("partition"), record.number("timestamp"),
                    record.bytes("key"), record.bytes("value"))));
                if (ask.flag("flush_each")) {
                    producer.flush();
                }
            }
        }
        return acks(sent);
    }

    /** Where each record went. */
    static Map<String, Object> acks(List<Future<RecordMetadata>> sent) throws Exception {
        List<Map<String, Object>> acks = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            acks.add(Map.of("partition", one.get().partition(), "offset", one.get().offset()));
        }
        return Map.of("acks", acks);
    }

    public void consume(Ask ask) {
        Properties settings = Client.settings(
            bootstrap, "auto.offset.reset", ask.text("offset_reset"), "max.poll.records", 50,
            "enable.auto.commit", ask.has("group") && ask.flag("auto_commit"));
        if (ask.has("group")) {
            settings.put("group.id", ask.text("group"));
            settings.put("session.timeout.ms", ask.integer("session_timeout_ms").toString());
            settings.put("heartbeat.interval.ms", "500");
        }
        Member.Commits commits = ask.flag("commit") ? Member.Commits.TOLD : Member.Commits.NEVER;
        member = new Member(Map.of(), settings, this::shown, commits, ask.number("until"));
        String topic = ask.text("topic");
        if (ask.has("assign")) {
            member.assign(ask.list("assign").stream()
                .map(one -> new TopicPartition(topic, (Integer) one)).collect(Collectors.toList()));
        } else if (ask.has("group")) {
            member.subscribe(topic);
        } else {
            member.assignAll(topic);
        }
    }

    public void close(Ask ask) throws InterruptedException {
        member.close();
    }

    Map<String, Object> shown(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> shown = fields(record);
        shown.put("topic", record.topic());
        shown.put("timestamp_type", record.timestampType().id);
        return shown;
    }

    /** What is shown of every record. */
    static Map<String, Object> fields(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> fields = new HashMap<>();
        fields.put("partition", record.partition());
        fields.put("offset", record.offset());
        fields.put("timestamp", record.timestamp());
        fields.put("key", text(record.key()));
        fields.put("value", text(record.value()));
        return fields;
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
    }
}
