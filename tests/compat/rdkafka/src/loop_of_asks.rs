//! Asks in on standard input, answers and events out on standard output, one JSON object a line. asked_client.py says
//! which asks there are and what each answers.

use std::io::{self, BufRead, Write};

use serde_json::{json, Value};

/// Why an ask failed: Kafka's error code, if the client shows one, and what the client says.
pub struct Refused {
    pub code: Option<i32>,
    pub why: String,
}

pub type Answer = Result<Value, Refused>;

/// Print one event, a JSON object.
pub fn say(event: &str, mut fields: Value) {
    fields["event"] = json!(event);
    let mut output = io::stdout().lock();
    writeln!(output, "{fields}").expect("standard output is open");
    output.flush().expect("standard output is open");
}

/// Answer until standard input ends.
pub fn serve(mut answer: impl FnMut(&str, &Value) -> Answer) {
    say("ready", json!({}));
    for line in io::stdin().lock().lines() {
        let given: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let ask = given["do"].as_str().expect("an ask").to_owned();
        match answer(&ask, &given) {
            Ok(fields) => say(&ask, fields),
            Err(refused) => say("failed", json!({"ask": ask, "code": refused.code, "why": refused.why})),
        }
    }
}
