import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A consumer that is polled without pause, as an application would, in a thread of its own, until it is closed.
 *
 * It says `assigned` whenever its partitions change, with the next offset to read in each, `revoked` whenever some are
 * taken from it, `record` for each record, `committed` after each commit if that is to be told, and `stopped` at the offset
 * where it was told to stop.
 */
class Member implements Runnable, ConsumerRebalanceListener {
    /** What an event tells besides, as the name of the member. */
    private final Map<String, ?> about;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Shown shown;
    private final Commits commits;
    private final Long until;
    private final Thread thread = new Thread(this);
    private List<String> partitions;
    private volatile boolean open = true;

    /** How a record is shown. */
    interface Shown {
        Map<String, Object> of(ConsumerRecord<byte[], byte[]> record);
    }

    /** Whether it commits after every record, and says so. */
    enum Commits { NEVER, SILENTLY, TOLD }

    Member(Map<String, ?> about, Properties settings, Shown shown, Commits commits, Long until) {
        this.about = about;
        this.shown = shown;
        this.commits = commits;
        this.until = until;
        if (System.getProperty("group.protocol") != null && settings.containsKey("group.id")) {
            settings.put("group.protocol", System.getProperty("group.protocol"));
        }
        if ("consumer".equals(settings.get("group.protocol"))) {
            // The broker says how often members of the new protocol beat, and what they get.
            settings.remove("session.timeout.ms");
            settings.remove("heartbeat.interval.ms");
            settings.remove("partition.assignment.strategy");
        }
        consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    void subscribe(String topic) {
        consumer.subscribe(Collections.singletonList(topic), this);
        thread.start();
    }

    void assign(List<TopicPartition> assigned) {
        consumer.assign(assigned);
        thread.start();
    }

    /** All of a topic's partitions, in no group. */
    void assignAll(String topic) {
        List<TopicPartition> all = new ArrayList<>();
        consumer.partitionsFor(topic).forEach(one -> all.add(new TopicPartition(topic, one.partition())));
        assign(all);
    }

    void close() throws InterruptedException {
        open = false;
        thread.join();
        consumer.close();
    }

    @Override
    public void run() {
        try {
            while (open && step()) {
            }
        } catch (Exception failed) {
            Client.fail(null, failed);
        }
    }

    /** Poll once and tell what came of it; false once it has stopped. */
    private boolean step() {
        ConsumerRecords<byte[], byte[]> records = Poll.once(consumer);
        tellAssignment(records);
        for (ConsumerRecord<byte[], byte[]> record : records) {
            if (commits != Commits.NEVER) {
                TopicPartition partition = new TopicPartition(record.topic(), record.partition());
                consumer.commitSync(Collections.singletonMap(partition, new OffsetAndMetadata(record.offset() + 1)));
            }
            say("record", shown.of(record));
            if (commits == Commits.TOLD) {
                say("committed", Map.of("partition", record.partition(), "offset", record.offset() + 1));
            }
            if (until != null && until == record.offset()) {
                say("stopped", Map.of("offset", until));
                return false;
            }
        }
        return true;
    }

    private void tellAssignment(ConsumerRecords<byte[], byte[]> records) {
        Map<String, Long> positions = new TreeMap<>();
        List<Integer> numbers = new ArrayList<>();
        for (TopicPartition partition : consumer.assignment()) {
            List<ConsumerRecord<byte[], byte[]>> inHand = records.records(partition);
            // A position lies behind the records in hand: where a partition starts is seen from its first record.
            long next = inHand.isEmpty() ? consumer.position(partition) : inHand.get(0).offset();
            positions.put(Integer.toString(partition.partition()), next);
            numbers.add(partition.partition());
        }
        List<String> now = new ArrayList<>(positions.keySet());
        if (!now.equals(partitions) && (partitions != null || !now.isEmpty())) {
            partitions = now;
            say("assigned", Map.of("positions", positions, "partitions", numbers));
        }
    }

    private void say(String event, Map<String, ?> fields) {
        Map<String, Object> said = new HashMap<>(about);
        said.putAll(fields);
        Client.say(event, said);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
        List<Integer> numbers = new ArrayList<>();
        revoked.forEach(one -> numbers.add(one.partition()));
        if (!numbers.isEmpty()) {
            say("revoked", Map.of("partitions", numbers));
        }
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
    }
}
