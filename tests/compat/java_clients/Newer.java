import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;

/** What newer admin clients do otherwise: from 2.3 on. */
public class Newer {
    private final Admin admin;

    public Newer(String bootstrap) {
        admin = Admin.create(Client.settings(bootstrap));
    }

    public void alter_configs(Ask ask) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, ask.text("topic"));
        Collection<AlterConfigOp> changes = new ArrayList<>();
        ask.texts("configs").forEach((name, value) ->
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        admin.incrementalAlterConfigs(Collections.singletonMap(topic, changes)).all().get();
    }
}
