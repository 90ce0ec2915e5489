import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.protocol.Errors;

/**
 * Apache Kafka's Java client of any age: asks in on standard input, answers and events out on standard output, one JSON
 * object a line, as the other clients have them.
 *
 * It is started with the broker's address and the names of its parts. A part is a class that was compiled against the
 * first release that has what it uses, and each public method of it answers the ask of its name; the last named part that
 * has one does, and where there is nothing to answer the result is null. A part takes the broker's address when it is made.
 */
public class Client {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream OUT = System.out;
    private static final int UNKNOWN_SERVER_ERROR = -1;

    public static void main(String[] arguments) throws Exception {
        List<Object> parts = new ArrayList<>();
        for (int at = 1; at < arguments.length; at++) {
            parts.add(0, Class.forName(arguments[at]).getConstructor(String.class).newInstance(arguments[0]));
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        say("ready", Map.of());
        String line;
        while ((line = lines.readLine()) != null) {
            Ask ask = new Ask(JSON.readValue(line, Map.class));
            try {
                say(ask.text("do"), answer(parts, ask));
            } catch (InvocationTargetException refused) {
                fail(ask.text("do"), refused.getCause());
            }
        }
        System.exit(0);
    }

    private static Map<?, ?> answer(List<Object> parts, Ask ask) throws ReflectiveOperationException {
        for (Object part : parts) {
            for (Method method : part.getClass().getMethods()) {
                if (method.getName().equals(ask.text("do"))) {
                    Object answer = method.invoke(part, ask);
                    return answer == null ? Collections.singletonMap("result", null) : (Map<?, ?>) answer;
                }
            }
        }
        throw new NoSuchMethodException(ask.text("do"));
    }

    /** Print one event, at once. */
    static synchronized void say(String event, Map<?, ?> fields) {
        Map<Object, Object> said = new LinkedHashMap<>(fields);
        said.put("event", event);
        try {
            OUT.println(JSON.writeValueAsString(said));
        } catch (java.io.IOException impossible) {
            throw new IllegalStateException(impossible);
        }
        OUT.flush();
    }

    /** Say that an ask, null if it was none's, failed; with Kafka's error code where there is one. */
    static void fail(String ask, Throwable why) {
        Throwable cause = why instanceof ExecutionException ? why.getCause() : why;
        Errors error = Errors.forException(cause);
        StringWriter trace = new StringWriter();
        why.printStackTrace(new PrintWriter(trace));
        Map<String, Object> fields = new HashMap<>();
        fields.put("ask", ask);
        fields.put("code", error.code() == UNKNOWN_SERVER_ERROR ? null : error.code());
        fields.put("why", trace.toString());
        say("failed", fields);
    }

    /** The settings of a client: where the broker is, and pairs of a name and its value. */
    static Properties settings(String bootstrap, Object... pairs) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("client.id", "java");
        for (int at = 0; at < pairs.length; at += 2) {
            properties.put(pairs[at], pairs[at + 1].toString());
        }
        return properties;
    }
}
