import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Exit;

/**
 * Apache Kafka's command-line tools, one after the other in one JVM: starting one for each would be most of the tests'
 * time. A line of JSON in, {"main": class, "arguments": [...], "input": text}, a line out: {"exit", "out", "error"}.
 * "main" may also be "producer", "consumer" or "sharer", which keep theirs open from line to line, or "reader".
 */
public class Tools {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, KafkaProducer<String, String>> PRODUCERS = new HashMap<>();

    private static final Map<String, KafkaConsumer<String, String>> CONSUMERS = new LinkedHashMap<>();

    private static final Map<String, KafkaShareConsumer<String, String>> SHARERS = new HashMap<>();

    private static final Map<String, Map<String, ConsumerRecord<String, String>>> SHARED = new HashMap<>();

    private static Integer ended;

    private static class Ended extends RuntimeException {
        Ended(int status) {
            super("exit " + status);
            // A tool may catch this one, and exit again for it: what it wanted first counts.
            ended = ended == null ? status : ended;
        }
    }

    public static void main(String[] none) throws Exception {
        PrintStream answers = System.out;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Exit.setExitProcedure((status, message) -> {
            throw new Ended(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw new Ended(status);
        });
        // What a tool wants done when its process ends, as the console producer wants its producer closed.
        List<Runnable> hooks = new ArrayList<>();
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        String line;
        while ((line = lines.readLine()) != null) {
            Map<?, ?> asked = JSON.readValue(line, Map.class);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            ByteArrayOutputStream error = new ByteArrayOutputStream();
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(error, true, StandardCharsets.UTF_8));
            System.setIn(new ByteArrayInputStream(((String) asked.get("input")).getBytes(StandardCharsets.UTF_8)));
            ended = null;
            try {
                String[] arguments = ((List<?>) asked.get("arguments")).toArray(new String[0]);
                if (asked.get("main").equals("producer")) {
                    produce(arguments);
                } else if (asked.get("main").equals("consumer")) {
                    consume(arguments);
                } else if (asked.get("main").equals("reader")) {
                    read(arguments);
                } else if (asked.get("main").equals("sharer")) {
                    share(arguments);
                } else {
                    Class.forName((String) asked.get("main"))
                        .getMethod("main", String[].class)
                        .invoke(null, (Object) arguments);
                }
            } catch (Throwable thrown) {
                if (ended == null) {
                    ended = -1;
                    thrown.printStackTrace();
                }
            }
            hooks.forEach(Runnable::run);
            hooks.clear();
            System.out.flush();
            answers.println(JSON.writeValueAsString(Map.of(
                "exit", ended == null ? 0 : ended,
                "out", out.toString(StandardCharsets.UTF_8),
                "error", error.toString(StandardCharsets.UTF_8))));
            answers.flush();
        }
        System.exit(0);
    }

    /** TOPIC COUNT KEY=VALUE...: the first records of all partitions, in the form of the console consumer. */
    private static void read(String[] arguments) {
        Properties properties = new Properties();
        for (int at = 2; at < arguments.length; at++) {
            String[] parts = arguments[at].split("=", 2);
            properties.put(parts[0], parts[1]);
        }
        try (KafkaConsumer<String, String> consumer =
            new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(consumer.partitionsFor(arguments[0]).stream()
                .map(one -> new TopicPartition(one.topic(), one.partition())).collect(Collectors.toList()));
            consumer.seekToBeginning(consumer.assignment());
            int left = Integer.parseInt(arguments[1]);
            long end = System.currentTimeMillis() + 20_000;
            while (left > 0) {
                if (System.currentTimeMillis() > end) {
                    throw new IllegalStateException(left + " records of " + arguments[1] + " are missing");
                }
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    if (left-- > 0) {
                        String headers = Arrays.stream(record.headers().toArray())
                            .map(header -> header.key() + ":" + new String(header.value(), StandardCharsets.UTF_8))
                            .collect(Collectors.joining(","));
                        System.out.println(record.timestampType() + ":" + record.timestamp()
                            + " Partition:" + record.partition() + " Offset:" + record.offset() + " "
                            + (headers.isEmpty() ? "NO_HEADERS" : headers) + " " + record.key() + " " + record.value());
                    }
                }
            }
        }
    }

    /** open NAME KEY=VALUE..., begin|commit|abort|close NAME, send NAME TOPIC PARTITION VALUE...; send prints offsets. */
    private static void produce(String[] arguments) throws Exception {
        String name = arguments[1];
        KafkaProducer<String, String> producer = PRODUCERS.get(name);
        switch (arguments[0]) {
            case "open":
                Properties properties = new Properties();
                for (int at = 2; at < arguments.length; at++) {
                    String[] parts = arguments[at].split("=", 2);
                    properties.put(parts[0], parts[1]);
                }
                producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
                PRODUCERS.put(name, producer);
                if (properties.containsKey("transactional.id")) {
                    producer.initTransactions();
                }
                break;
            case "begin":
                producer.beginTransaction();
                break;
            case "commit":
                producer.commitTransaction();
                break;
            case "abort":
                producer.abortTransaction();
                break;
            case "close":
                PRODUCERS.remove(name).close();
                break;
            default:
                for (int at = 4; at < arguments.length; at++) {
                    int partition = Integer.parseInt(arguments[3]);
                    System.out.println(producer.send(new ProducerRecord<>(arguments[2], partition, "k" + at, arguments[at]))
                        .get(30, TimeUnit.SECONDS).offset());
                }
        }
    }

    /**
     * open NAME TOPIC|/REGEX KEY=VALUE..., poll, commit NAME, close NAME. One poll of all that are open prints what they
     * read, NAME TOPIC-PARTITION OFFSET VALUE, and then what each has, NAME has TOPIC-PARTITION...
     */
    private static void consume(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "open":
                Properties properties = new Properties();
                for (int at = 3; at < arguments.length; at++) {
                    String[] parts = arguments[at].split("=", 2);
                    properties.put(parts[0], parts[1]);
                }
                KafkaConsumer<String, String> opened =
                    new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
                if (arguments[2].startsWith("/")) {
                    opened.subscribe(new SubscriptionPattern(arguments[2].substring(1)));
                } else {
                    opened.subscribe(List.of(arguments[2].split(",")));
                }
                CONSUMERS.put(arguments[1], opened);
                break;
            case "poll":
                for (Map.Entry<String, KafkaConsumer<String, String>> one : CONSUMERS.entrySet()) {
                    one.getValue().poll(Duration.ofMillis(100)).forEach(record -> System.out.println(one.getKey() + " "
                        + record.topic() + "-" + record.partition() + " " + record.offset() + " " + record.value()));
                }
                for (Map.Entry<String, KafkaConsumer<String, String>> one : CONSUMERS.entrySet()) {
                    System.out.println(one.getKey() + " has " + one.getValue().assignment().stream()
                        .map(Object::toString).sorted().collect(Collectors.joining(" ")));
                }
                break;
            case "commit":
                CONSUMERS.get(arguments[1]).commitSync(Duration.ofSeconds(30));
                break;
            default:
                CONSUMERS.remove(arguments[1]).close();
        }
    }

    /**
     * open NAME TOPIC KEY=VALUE..., poll NAME, say NAME TOPIC-PARTITION@OFFSET TYPE, commit NAME, close NAME. A poll prints
     * what it got, TOPIC-PARTITION@OFFSET DELIVERIES VALUE; a commit what became of each partition.
     */
    private static void share(String[] arguments) throws Exception {
        String name = arguments[1];
        KafkaShareConsumer<String, String> sharer = SHARERS.get(name);
        switch (arguments[0]) {
            case "open":
                Properties properties = new Properties();
                for (int at = 3; at < arguments.length; at++) {
                    String[] parts = arguments[at].split("=", 2);
                    properties.put(parts[0], parts[1]);
                }
                sharer = new KafkaShareConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
                sharer.subscribe(List.of(arguments[2].split(",")));
                SHARERS.put(name, sharer);
                SHARED.put(name, new HashMap<>());
                break;
            case "poll":
                for (ConsumerRecord<String, String> record : sharer.poll(Duration.ofMillis(200))) {
                    String where = record.topic() + "-" + record.partition() + "@" + record.offset();
                    SHARED.get(name).put(where, record);
                    System.out.println(where + " " + record.deliveryCount().get() + " " + record.value());
                }
                break;
            case "say":
                sharer.acknowledge(SHARED.get(name).get(arguments[2]), AcknowledgeType.valueOf(arguments[3]));
                break;
            case "commit":
                Map<TopicIdPartition, Optional<KafkaException>> results = sharer.commitSync(Duration.ofSeconds(30));
                results.forEach((where, error) -> System.out.println(where.topic() + "-" + where.partition() + " "
                    + error.map(one -> one.getClass().getSimpleName()).orElse("written")));
                break;
            default:
                SHARERS.remove(name).close();
        }
    }
}
