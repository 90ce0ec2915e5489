import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The command loop's transactions: from 0.11 on. */
public class Transactions {
    private final String bootstrap;
    private KafkaProducer<byte[], byte[]> producer;
    private String transactionalId;

    public Transactions(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    public void begin(Ask ask) {
        if (!ask.text("transactional_id").equals(transactionalId)) {
            if (producer != null) {
                producer.close();
            }
            transactionalId = ask.text("transactional_id");
            Properties settings = Client.settings(bootstrap, "transactional.id", transactionalId);
            producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
            producer.initTransactions();
        }
        producer.beginTransaction();
    }

    public void send(Ask ask) throws Exception {
        for (Object value : ask.list("values")) {
            producer.send(new ProducerRecord<>(ask.text("topic"), 0, null, ((String) value).getBytes())).get();
        }
    }

    public void send_offset(Ask ask) {
        TopicPartition partition = new TopicPartition(ask.text("topic"), 0);
        producer.sendOffsetsToTransaction(
            Collections.singletonMap(partition, new OffsetAndMetadata(ask.number("offset"))), ask.text("group"));
    }

    public void end(Ask ask) {
        if (ask.flag("commit")) {
            producer.commitTransaction();
        } else {
            producer.abortTransaction();
        }
    }

    public Object read(Ask ask) {
        Properties settings = Client.settings(
            bootstrap, "isolation.level", ask.text("isolation_level"), "enable.auto.commit", false);
        List<TopicPartition> partition = Collections.singletonList(new TopicPartition(ask.text("topic"), 0));
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings)) {
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            while (values.isEmpty() || !values.get(values.size() - 1).equals(ask.text("last"))) {
                for (ConsumerRecord<byte[], byte[]> record : Poll.once(consumer)) {
                    values.add(Loop.text(record.value()));
                }
            }
        }
        return Map.of("result", values);
    }

    public Object committed_offset(Ask ask) {
        Properties settings = Client.settings(bootstrap, "group.id", ask.text("group"), "enable.auto.commit", false);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(settings)) {
            OffsetAndMetadata committed = consumer.committed(new TopicPartition(ask.text("topic"), 0));
            return committed == null ? null : Map.of("result", committed.offset());
        }
    }

    private static KafkaConsumer<byte[], byte[]> consumer(Properties settings) {
        return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }
}
