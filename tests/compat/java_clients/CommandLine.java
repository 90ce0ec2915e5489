import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/** The command-line tools, one after the other in this JVM: starting one for each would be most of the tests' time. */
public class CommandLine {
    /** What the tool that runs has said: Scala keeps the stream that it found first, so that one stays. */
    private static final Kept KEPT = new Kept();

    private final List<Runnable> hooks = new ArrayList<>();
    private Integer ended;

    private static class Kept extends OutputStream {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        @Override
        public synchronized void write(int one) {
            bytes.write(one);
        }

        synchronized String take() {
            String taken = bytes.toString(StandardCharsets.UTF_8);
            bytes.reset();
            return taken;
        }
    }

    private class Ended extends RuntimeException {
        Ended(int status) {
            super("exit " + status);
            // A tool may catch this one, and exit again for it: what it wanted first counts.
            ended = ended == null ? Integer.valueOf(status) : ended;
        }
    }

    public CommandLine(String bootstrap) {
        System.setOut(new PrintStream(KEPT, true, StandardCharsets.UTF_8));
        Exit.setExitProcedure((status, message) -> {
            throw new Ended(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw new Ended(status);
        });
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    }

    /** Run the main class `main` with `arguments` and `input`: its exit status and what it said. */
    public Object run(Ask ask) throws Exception {
        ended = null;
        System.setIn(new ByteArrayInputStream(ask.bytes("input")));
        String[] arguments = ask.list("arguments").toArray(new String[0]);
        try {
            Class.forName(ask.text("main")).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException thrown) {
            if (ended == null) {
                ended = -1;
                thrown.getCause().printStackTrace(System.out);
            }
        }
        // What a tool wants done when its process ends, as the console producer wants its producer closed.
        hooks.forEach(Runnable::run);
        hooks.clear();
        System.out.flush();
        return Map.of("exit", ended == null ? 0 : ended, "said", KEPT.take());
    }
}
