import java.util.List;
import java.util.Map;

/** One ask and what it gives: a JSON object. */
class Ask {
    private final Map<?, ?> fields;

    Ask(Map<?, ?> fields) {
        this.fields = fields;
    }

    /** Whether it was given, and not as null. */
    boolean has(String name) {
        return fields.get(name) != null;
    }

    String text(String name) {
        return (String) fields.get(name);
    }

    byte[] bytes(String name) {
        return has(name) ? text(name).getBytes(java.nio.charset.StandardCharsets.UTF_8) : null;
    }

    boolean flag(String name) {
        return Boolean.TRUE.equals(fields.get(name));
    }

    Long number(String name) {
        return has(name) ? Long.valueOf(((Number) fields.get(name)).longValue()) : null;
    }

    Integer integer(String name) {
        return has(name) ? Integer.valueOf(((Number) fields.get(name)).intValue()) : null;
    }

    /** A list, as JSON has it: of texts, numbers, lists and maps. */
    List<?> list(String name) {
        return (List<?>) fields.get(name);
    }

    /** A list of objects. */
    List<Ask> asks(String name) {
        return list(name).stream().map(one -> new Ask((Map<?, ?>) one)).collect(java.util.stream.Collectors.toList());
    }

    Ask object(String name) {
        return new Ask((Map<?, ?>) fields.get(name));
    }

    /** Its names and texts; none if it was not given. */
    @SuppressWarnings("unchecked")
    Map<String, String> texts(String name) {
        return has(name) ? (Map<String, String>) fields.get(name) : Map.of();
    }
}
