import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What the command loop's clients do, where records have the checksum of their message still: up to 0.10.2. */
public class Oldest extends Loop {
    public Oldest(String bootstrap) {
        super(bootstrap);
    }

    @Override
    Map<String, Object> shown(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> shown = super.shown(record);
        shown.put("checksum", (int) record.checksum());
        return shown;
    }
}
