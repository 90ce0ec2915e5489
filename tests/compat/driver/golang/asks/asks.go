// Package asks is the loop of every Go client: asks in on standard input, answers and events out on standard output,
// one JSON object a line. asked_client.py says which asks there are and what each answers.
package asks

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"sync"
)

// Record is one to send, or one that was read.
type Record struct {
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Key       *string     `json:"key"`
	Value     *string     `json:"value"`
	Headers   [][2]string `json:"headers"`
	Timestamp *int64      `json:"timestamp"` // milliseconds
}

// Ack says where a record went.
type Ack struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

// Start is where reading starts: an offset, a time, or neither for the beginning.
type Start struct {
	Offset    *int64 `json:"offset"`
	Timestamp *int64 `json:"timestamp"`
}

// Ask has the fields of all asks.
type Ask struct {
	Do          string            `json:"do"`
	Topic       string            `json:"topic"`
	Partition   int32             `json:"partition"`
	Partitions  int32             `json:"partitions"`
	Total       int32             `json:"total"`
	Configs     map[string]string `json:"configs"`
	Records     []Record          `json:"records"`
	Compression string            `json:"compression"`
	Idempotent  bool              `json:"idempotent"`
	Start       Start             `json:"start"`
	Count       int               `json:"count"`
	Before      int64             `json:"before"`
	Member      string            `json:"member"`
	Group       string            `json:"group"`
	Protocol    string            `json:"protocol"`

	IsolationLevel  string   `json:"isolation_level"`
	TransactionalID string   `json:"transactional_id"`
	Source          string   `json:"source"`
	Values          []string `json:"values"`
	Offset          int64    `json:"offset"`
	Commit          bool     `json:"commit"`
}

// ReadCommitted tells whether records of transactions that are open or aborted are to be left out.
func (ask Ask) ReadCommitted() bool {
	return ask.IsolationLevel == "read_committed"
}

// Fields is what an answer or an event says.
type Fields map[string]any

// Client answers each ask by its name.
type Client map[string]func(Ask) (Fields, error)

var printing sync.Mutex

// Say prints one event.
func Say(event string, fields Fields) {
	if fields == nil {
		fields = Fields{}
	}
	fields["event"] = event
	printing.Lock()
	defer printing.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(fields); err != nil {
		panic(err)
	}
}

// SayRecord tells of a record that a member has read and committed.
func SayRecord(member string, record Record) {
	Say("record", Fields{
		"member": member, "partition": record.Partition, "offset": record.Offset, "key": record.Key,
		"value": record.Value, "headers": record.Headers, "timestamp": record.Timestamp,
	})
}

// Serve answers until standard input ends. codeOf finds Kafka's error code in a client's error, nil if it has none.
func Serve(client Client, codeOf func(error) *int) {
	Say("ready", nil)
	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF {
			return
		}
		var ask Ask
		if err := json.Unmarshal(line, &ask); err != nil {
			panic(err)
		}
		answer, err := client[ask.Do](ask)
		if err != nil {
			Say("failed", Fields{"ask": ask.Do, "code": codeOf(err), "why": err.Error()})
		} else {
			Say(ask.Do, answer)
		}
	}
}

// Text gives bytes as JSON has them; nil stays null.
func Text(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}

// Bytes is the other way round.
func Bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}
