import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;

/** What clients of other languages are asked of groups, by the admin client: from 2.0 on. */
public class Groups {
    private final AdminClient admin;

    public Groups(String bootstrap) {
        admin = AdminClient.create(Client.settings(bootstrap));
    }

    public Object groups(Ask ask) throws Exception {
        List<String> groups = new ArrayList<>();
        admin.listConsumerGroups().all().get().forEach(one -> groups.add(one.groupId()));
        return Map.of("groups", groups);
    }

    public Object describe_group(Ask ask) throws Exception {
        String group = ask.text("group");
        ConsumerGroupDescription described =
            admin.describeConsumerGroups(Collections.singleton(group)).all().get().get(group);
        List<Map<String, Object>> members = new ArrayList<>();
        for (MemberDescription member : described.members()) {
            List<Integer> partitions = new ArrayList<>();
            member.assignment().topicPartitions().forEach(one -> partitions.add(one.partition()));
            members.add(Map.of("client_id", member.clientId(), "partitions", partitions));
        }
        return Map.of("state", described.state().toString(), "members", members);
    }

    public void delete_group(Ask ask) throws Exception {
        admin.deleteConsumerGroups(Collections.singleton(ask.text("group"))).all().get();
    }

    public Object committed(Ask ask) throws Exception {
        Map<Integer, Long> offsets = new HashMap<>();
        admin.listConsumerGroupOffsets(ask.text("group")).partitionsToOffsetAndMetadata().get()
            .forEach((partition, at) -> {
                if (partition.topic().equals(ask.text("topic"))) {
                    offsets.put(partition.partition(), at.offset());
                }
            });
        return Map.of("offsets", offsets);
    }
}
