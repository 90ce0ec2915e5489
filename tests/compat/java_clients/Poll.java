import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.time.Duration;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** How a consumer of any age is polled: by milliseconds, or from 2.0 on by a duration, which alone newer groups know. */
class Poll {
    private static final long LIMIT_MS = 100;
    private static final MethodHandle BY_DURATION = find();

    private static MethodHandle find() {
        MethodType type = MethodType.methodType(ConsumerRecords.class, Duration.class);
        try {
            return MethodHandles.publicLookup().findVirtual(KafkaConsumer.class, "poll", type);
        } catch (ReflectiveOperationException older) {
            return null;
        }
    }

    @SuppressWarnings("unchecked")
    static ConsumerRecords<byte[], byte[]> once(KafkaConsumer<byte[], byte[]> consumer) {
        if (BY_DURATION == null) {
            return consumer.poll(LIMIT_MS);
        }
        try {
            return (ConsumerRecords<byte[], byte[]>) BY_DURATION.invoke(consumer, Duration.ofMillis(LIMIT_MS));
        } catch (RuntimeException failed) {
            throw failed;
        } catch (Throwable impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
